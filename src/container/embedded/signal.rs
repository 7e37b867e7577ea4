//! The names of signals, for `STOPSIGNAL`.

/// Linux's signals by their names without `SIG` (signal(7)), apart from the real-time ones. Source: moby/sys.
const NAMES: [&str; 35] = [
    "ABRT", "ALRM", "BUS", "CHLD", "CLD", "CONT", "FPE", "HUP", "ILL", "INT", "IO", "IOT", "KILL",
    "PIPE", "POLL", "PROF", "PWR", "QUIT", "SEGV", "STKFLT", "STOP", "SYS", "TERM", "TRAP", "TSTP",
    "TTIN", "TTOU", "URG", "USR1", "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ", "RTMIN",
];

/// Whether `text` is a signal: a number that is not zero, or a name in any case, with or without `SIG`.
pub(super) fn is_signal(text: &str) -> bool {
    if let Ok(number) = text.parse::<i64>() {
        return number != 0;
    }
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    let offset = |prefix: &str, highest: u8| {
        let digits = name.strip_prefix(prefix);
        (1..=highest).any(|number| digits.is_some_and(|digits| digits == number.to_string()))
    };
    NAMES.contains(&name) || name == "RTMAX" || offset("RTMIN+", 15) || offset("RTMAX-", 14)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers() {
        for signal in [
            "SIGTERM",
            "term",
            "9",
            "99",
            "SIGRTMIN",
            "SIGRTMIN+15",
            "rtmax-14",
            "RTMAX",
        ] {
            assert!(is_signal(signal), "{signal}");
        }
        for other in [
            "",
            "0",
            "SIG",
            "NONE",
            "RTMIN+16",
            "RTMIN+01",
            "RTMIN-1",
            "SIGSIGTERM",
            "9x",
        ] {
            assert!(!is_signal(other), "{other}");
        }
    }
}
