//! `flota template`

use super::{answers::asking, context::Context};
use crate::{
    cli::{ResultFormat, Template as Args, TemplateCommand, TemplateDrift, TemplateUpdate},
    features::template::{self, UpdateRequest},
    fleet::scaffold,
    model::{error::Result, exit::Exit, template::UpdateOutcome},
    output::{Output, error, human, json, prompt},
    parallel,
    templates::WantedTemplate,
};

pub(super) fn run(args: &Args, context: &Context, output: &Output) -> Result<Exit> {
    match &args.command {
        TemplateCommand::Update(args) => update(args, context, output),
        TemplateCommand::Drift(args) => drift(args, context, output),
    }
}

fn update(args: &TemplateUpdate, context: &Context, output: &Output) -> Result<Exit> {
    let template = args
        .template
        .as_deref()
        .map(WantedTemplate::parse)
        .transpose()?;
    let is_asked = prompt::is_attended() && !args.defaults;
    let request = UpdateRequest {
        selector: &context.selector(&args.services)?,
        template: template.as_ref(),
        answers: &scaffold::given(&args.answers)?,
        overwrites_ignored: args.overwrite_ignore,
    };
    let updated = template::update(&context.repository, &request, &mut asking(is_asked))?;
    match args.format {
        ResultFormat::Human => output.result(human::template_updated(&updated))?,
        ResultFormat::Json => output.result(json::template_updated(&updated))?,
    }
    let mut exit = Exit::Done;
    for service in &updated {
        match &service.outcome {
            UpdateOutcome::Refused(refused) => {
                error::report(output, refused);
                exit = Exit::worst([exit, refused.exit()]);
            }
            UpdateOutcome::Conflicts(_) => exit = Exit::worst([exit, Exit::WorkFailed]),
            _ => {}
        }
    }
    Ok(exit)
}

fn drift(args: &TemplateDrift, context: &Context, output: &Output) -> Result<Exit> {
    let jobs = args.jobs.unwrap_or_else(parallel::default_jobs);
    let drift = template::drift(
        &context.repository,
        &context.selector(&args.services)?,
        jobs,
    )?;
    match args.format {
        ResultFormat::Human => output.result(human::drift(&drift))?,
        ResultFormat::Json => output.result(json::drift(&drift))?,
    }
    let mut exit = Exit::Done;
    for service in &drift {
        if let Some(unread) = service.state.error() {
            error::report(output, unread);
            exit = Exit::worst([exit, unread.exit()]);
        }
    }
    Ok(exit)
}
