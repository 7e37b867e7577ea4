//! Names of new services: valid at once for git, a directory, an OCI repository, a Kubernetes namespace and a Helm release.

use unicode_normalization::UnicodeNormalization;

use super::{
    error::{Error, Result},
    settings::valid::shown,
};

/// The longest release that Helm takes, in bytes: Kubernetes' 63 less what charts append (`helm install --help`).
const LONGEST: usize = 53;

/// Whether a service can be called `name`: a DNS label (RFC 1123) of at most 53 characters, which suits all five.
///
/// # Errors
/// Misuse: the rule that it breaks, and the nearest name that breaks none.
pub fn check(name: &str) -> Result<()> {
    let Some(fault) = fault(name) else {
        return Ok(());
    };
    let error = Error::misuse(format!(
        "a service cannot be called `{}`: {fault}",
        shown(name)
    ));
    Err(match nearest(name) {
        Some(nearest) => error.hint(format!("a name that can be used: {nearest}")),
        None => error.hint("use a-z, 0-9 and `-` between them, as in shop-cart"),
    })
}

/// The name as an identifier of programming languages: `-` becomes `_`, and a digit does not come first.
pub fn module(name: &str) -> String {
    let words = name.replace('-', "_");
    match words.starts_with(|c: char| c.is_ascii_digit()) {
        true => format!("_{words}"),
        false => words,
    }
}

fn fault(name: &str) -> Option<String> {
    let is_plain = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '-';
    if name.is_empty() {
        return Some("it is empty".into());
    }
    if name.len() > LONGEST {
        let length = name.chars().count();
        return Some(format!(
            "it has {length} characters, and a Helm release at most {LONGEST}"
        ));
    }
    if let Some(strange) = name.chars().find(|c| !is_plain(c)) {
        return Some(match strange.is_uppercase() {
            true => format!(
                "`{strange}` is an upper-case letter, which neither OCI nor Kubernetes accepts"
            ),
            false => format!(
                "`{}` is not one of a-z, 0-9 and `-`, the only characters of a Kubernetes name",
                shown(&strange.to_string())
            ),
        });
    }
    if name.starts_with('-') || name.ends_with('-') {
        return Some("a Kubernetes name neither begins nor ends with `-`".into());
    }
    is_device(name)
        .then(|| "Windows reserves it for a device: a directory cannot have this name".into())
}

/// The devices that Windows finds in every folder.
fn is_device(name: &str) -> bool {
    let is_numbered = |kind| {
        let number = name.strip_prefix(kind);
        number.is_some_and(|number| {
            number.len() == 1 && number.starts_with(|c: char| c.is_ascii_digit())
        })
    };
    ["con", "prn", "aux", "nul"].contains(&name) || is_numbered("com") || is_numbered("lpt")
}

/// The valid name that looks most like `name`, if anything of it can stay.
fn nearest(name: &str) -> Option<String> {
    let mut near = String::new();
    // Decomposed, a letter comes before its accents, which are left out.
    for c in name.nfkd().flat_map(char::to_lowercase) {
        match c {
            'a'..='z' | '0'..='9' => near.push(c),
            _ if !c.is_ascii() && !c.is_alphanumeric() => {}
            _ if near.is_empty() || near.ends_with('-') => {}
            _ => near.push('-'),
        }
    }
    near.truncate(LONGEST);
    let near = near.trim_end_matches('-');
    match near {
        "" => None,
        device if is_device(device) => Some(format!("{device}-service")),
        near => Some(near.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dns_label_is_a_name() {
        for name in ["a", "web", "shop-cart", "2048", "console", &"a".repeat(53)] {
            check(name).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }

    #[test]
    fn the_broken_rule_is_named_and_the_nearest_name_offered() {
        for (name, fault, nearest) in [
            ("", "it is empty", "use a-z"),
            ("Shop_Cart", "`S` is an upper-case letter", ": shop-cart"),
            ("shop/cart", "`/` is not one of", ": shop-cart"),
            ("-web-", "begins nor ends", ": web"),
            ("-web", "begins nor ends", ": web"),
            ("web-", "begins nor ends", ": web"),
            ("cafés", "`é` is not one of", ": cafes"),
            ("..", "`.` is not one of", "use a-z"),
            ("Café", "is an upper-case letter", ": cafe"),
            ("a\u{1b}[31m", "`\\u{1b}` is not one of", ": a-31m"),
            ("nul", "a device", ": nul-service"),
            ("com1", "a device", ": com1-service"),
            (
                &"ab-".repeat(30),
                "90 characters",
                &format!(": {}ab", "ab-".repeat(17)),
            ),
        ] {
            let error = check(name).unwrap_err();
            assert!(error.to_string().contains(fault), "{name}: {error}");
            let [hint] = error.hints() else {
                panic!("{name}")
            };
            assert!(hint.contains(nearest), "{name}: {hint}");
            if let Some(offered) = hint.strip_prefix("a name that can be used: ") {
                check(offered).unwrap();
            }
        }
    }

    #[test]
    fn a_module_is_an_identifier() {
        assert_eq!(module("shop-cart"), "shop_cart");
        assert_eq!(module("2048-game"), "_2048_game");
    }
}
