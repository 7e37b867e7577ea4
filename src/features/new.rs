//! `flota new`: a service from a template, in the fleet and on its remote.

use crate::fleet::scaffold::{self, Committer, Destination, Forge, Remote, ServicePlan};
use crate::{
    git::repository::Repository,
    model::{
        error::Result,
        name,
        new::NewService,
        settings::{Settings, valid},
        template::Values,
    },
    templates::Template,
};

/// What is to be made.
pub(crate) struct NewRequest<'a> {
    /// The service's name.
    pub name: &'a str,
    /// What it starts from.
    pub template: &'a Template,
    /// What the template is filled with.
    pub values: &'a Values,
    /// Its repository; beside the fleet's when nobody says.
    pub remote: Option<&'a str>,
    /// Who makes the repository, if it is to be made on a forge.
    pub create: Option<Forge>,
    /// The branch that work goes to.
    pub branch: &'a str,
    /// Whether to commit the link.
    pub commit: bool,
}

/// Makes the service.
///
/// # Errors
/// As for [`scaffold::service`]; the fleet and the disk are as before then.
pub(crate) fn new(fleet: &Repository, request: &NewRequest<'_>) -> Result<NewService> {
    name::check(request.name)?;
    valid::branch(request.branch)?;
    let destination = match (request.create, request.remote) {
        (Some(forge), _) => Destination::Made(forge),
        (None, Some(given)) => Destination::At(Box::new(Remote::given(fleet, given)?)),
        (None, None) => Destination::At(Box::new(Remote::beside(fleet, request.name)?)),
    };
    let plan = ServicePlan {
        name: request.name,
        template: &request.template.name,
        files: &request.template.render(request.values)?,
        branch: request.branch,
        destination,
        commit: request.commit,
        committer: &Committer::User,
    };
    scaffold::service(fleet, plan)
}

/// Whether flota.toml keeps the new service from being one.
pub(crate) fn is_left_out(settings: &Settings, service: &NewService) -> bool {
    let services = settings.fleet.services.as_ref();
    services.is_some_and(|globs| !globs.is_match(service.path.as_ref()))
}
