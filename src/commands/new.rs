//! `flota new`

use super::{answers::asking, context::Context};
use crate::{
    cli::{Forge as ForgeArg, New as Args, ResultFormat},
    features::new::{self, NewRequest},
    fleet::scaffold::{self, Forge},
    model::{
        error::{Error, Result},
        exit::Exit,
        name,
    },
    output::{Output, human, json, prompt},
    templates::{self, WantedTemplate},
};

pub(super) fn run(args: &Args, context: &Context, output: &Output) -> Result<Exit> {
    let name = name(args)?;
    name::check(&name)?;
    let wanted = WantedTemplate::parse(&template(args)?)?;
    let template = templates::load(&wanted, &context.repository, false)?;
    let given = scaffold::given(&args.answers)?;
    let mut ask = asking(prompt::is_attended() && !args.defaults);
    let request = NewRequest {
        values: &scaffold::values(&template, &name, &given, &mut ask)?,
        name: &name,
        template: &template,
        remote: args.remote.as_deref(),
        create: args.create.map(forge),
        branch: &args.branch,
        commit: args.commit,
    };
    let service = new::new(&context.repository, &request)?;
    if new::is_left_out(&context.settings, &service) {
        output.warning(&format!(
            "[fleet] services in flota.toml does not include {}",
            service.path
        ));
    }
    match args.format {
        ResultFormat::Human => {
            output.result(human::new(&service))?;
            for line in human::after_new(&service) {
                output.status(line);
            }
        }
        ResultFormat::Json => output.result(json::new(&service))?,
    }
    Ok(Exit::Done)
}

fn name(args: &Args) -> Result<String> {
    match &args.name {
        Some(name) => Ok(name.clone()),
        None if prompt::is_attended() => prompt::line("Name of the service", None, name::check),
        None => Err(Error::misuse("the service needs a name").hint("flota new NAME")),
    }
}

fn template(args: &Args) -> Result<String> {
    if let Some(template) = &args.template {
        return Ok(template.clone());
    }
    if !prompt::is_attended() {
        return Err(Error::misuse("no template was given for the service")
            .hint("choose one of flota templates: flota new NAME --template static"));
    }
    let all = crate::features::templates::list()?;
    let lines = all
        .iter()
        .map(|(name, manifest)| format!("{name}: {}", manifest.description));
    let chosen = prompt::choice("Template", &lines.collect::<Vec<_>>(), None)?;
    Ok(all[chosen].0.clone())
}

fn forge(named: ForgeArg) -> Forge {
    match named {
        ForgeArg::Github => Forge::GitHub,
        ForgeArg::Gitlab => Forge::GitLab,
        ForgeArg::Azure => Forge::Azure,
    }
}
