//! The ports of `EXPOSE`.

use std::{net::IpAddr, ops::RangeInclusive};

/// The ports that `spec` exposes, as `80/tcp`: `port[-port][/protocol]`, TCP where nothing is said. As in BuildKit, it may stand
/// behind an address or a port of the host, which mean nothing here. `None` if it is not valid.
pub(super) fn exposed(spec: &str) -> Option<Vec<String>> {
    let (host, container) = match spec.rsplit_once(':') {
        Some((host, container)) => (Some(host), container),
        None => (None, spec),
    };
    let (ports, protocol) = container.split_once('/').unwrap_or((container, ""));
    let protocol = match &*protocol.to_ascii_lowercase() {
        "" => "tcp".to_owned(),
        known @ ("tcp" | "udp" | "sctp") => known.to_owned(),
        _ => return None,
    };
    let ports = range(ports)?;
    if let Some(host) = host {
        let (address, port) = host.rsplit_once(':').unwrap_or(("", host));
        let bare = address
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        if !address.is_empty() && bare.unwrap_or(address).parse::<IpAddr>().is_err() {
            return None;
        }
        // A range of the host fits one port, or as many.
        if !port.is_empty() && ports.len() > 1 && range(port)?.len() != ports.len() {
            return None;
        }
        if !port.is_empty() {
            range(port)?;
        }
    }
    Some(ports.map(|port| format!("{port}/{protocol}")).collect())
}

fn range(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last): (u16, u16) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last).then_some(first..=last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_and_what_stands_before_them() {
        for (spec, expected) in [
            ("80", "80/tcp"),
            ("53/UDP", "53/udp"),
            ("443/", "443/tcp"),
            ("0", "0/tcp"),
            ("080", "80/tcp"),
            ("8000-8002/sctp", "8000/sctp 8001/sctp 8002/sctp"),
            ("8080:80", "80/tcp"),
            ("8000-8009:80", "80/tcp"),
            ("1-2:3-4", "3/tcp 4/tcp"),
            ("127.0.0.1:80:81", "81/tcp"),
            ("127.0.0.1::81", "81/tcp"),
            ("[::1]:5:6", "6/tcp"),
            ("::1:5:6", "6/tcp"),
        ] {
            assert_eq!(exposed(spec).unwrap().join(" "), expected, "{spec}");
        }
    }

    #[test]
    fn what_is_no_port() {
        for spec in [
            "", "/tcp", "70000", "5-3", "1/x", "x:80:80", "1-3:5-6", "80:", ":", "a", "-1",
        ] {
            assert_eq!(exposed(spec), None, "{spec}");
        }
    }
}
