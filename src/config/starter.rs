//! The `flota.toml` of a new fleet: the reference, with its keys commented out.

use super::{reference::REFERENCE, schema::SCHEMA_FILE};

/// What a new fleet's file says beside the explanations.
#[derive(Clone, Debug, Default)]
pub struct Starter<'a> {
    /// `[fleet] base_branch`.
    pub base_branch: Option<&'a str>,
    /// `[chart] tokens`: a host name for the charts of flota's templates, where nothing has a chart yet.
    pub cluster_host: Option<&'a str>,
}

impl Starter<'_> {
    /// The file's text. Explanations begin with `# `, keys that are left out with `#` alone. The first line names the schema to
    /// editors, by a path that holds wherever the fleet is cloned to.
    pub fn text(&self) -> String {
        let mut text = format!("#:schema ./{SCHEMA_FILE}\n");
        text.reserve(REFERENCE.len() * 2);
        let mut table = "";
        for line in REFERENCE.lines() {
            if line.starts_with('[') {
                table = line;
            }
            match self.active(table, line) {
                Some(active) => text.push_str(&active),
                None => {
                    text.push('#');
                    text.push_str(line);
                }
            }
            text.push('\n');
        }
        text
    }

    /// The line as it holds in the new file; none if it is left out there.
    fn active(&self, table: &str, line: &str) -> Option<String> {
        let quoted = |value: &str| toml::Value::from(value).to_string();
        let key = line.split(' ').next().unwrap_or_default();
        match (table, key) {
            _ if line.is_empty() || line.starts_with('#') => Some(line.to_owned()),
            // Alone they change nothing, and a key below them can be used as it stands.
            ("[fleet]" | "[change]" | "[image]" | "[chart]", _) if line == table => {
                Some(line.to_owned())
            }
            ("[fleet]", "base_branch") => {
                let branch = self.base_branch?;
                Some(format!("{key} = {}", quoted(branch)))
            }
            ("[chart]", "tokens") => {
                let host = self.cluster_host?;
                Some(format!("{key} = {{ CLUSTERHOST = {} }}", quoted(host)))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::parse, model::settings::Settings};

    #[test]
    fn with_every_key_commented_out_the_defaults_hold() {
        let text = Starter::default().text();
        let settings = parse(text.as_bytes(), "flota.toml").unwrap();
        assert_eq!(
            format!("{settings:?}"),
            format!("{:?}", Settings::default())
        );
    }

    #[test]
    fn with_every_key_in_use_it_is_the_reference() {
        let whole: String = Starter::default()
            .text()
            .lines()
            .skip_while(|line| line.starts_with("#:schema "))
            .map(|line| match line.strip_prefix('#') {
                Some(key) if !key.is_empty() && !key.starts_with(' ') => format!("{key}\n"),
                _ => format!("{line}\n"),
            })
            .collect();
        assert_eq!(whole, REFERENCE);
    }

    #[test]
    fn what_is_known_is_said() {
        let starter = Starter {
            base_branch: Some("release/\"1\""),
            cluster_host: Some("localhost"),
        };
        let settings = parse(starter.text().as_bytes(), "flota.toml").unwrap();
        assert_eq!(settings.fleet.base_branch.as_deref(), Some("release/\"1\""));
        assert_eq!(settings.chart.tokens.len(), 1);
    }
}
