//! The defaults of a new service.

/// Where a fleet keeps its services if nothing in it says otherwise.
pub const SERVICES: &str = "code-repos";

/// The branch of what is released.
pub const MAIN: &str = "main";

/// The branch that work is merged into before it is released.
pub const DEVELOPMENT: &str = "development";
