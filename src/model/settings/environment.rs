//! `[environment.NAME]`: where services are deployed to.

/// `[environment.NAME]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EnvironmentSettings {}
