//! The tables of `flota.toml`.
//!
//! Each function below reads one table, one line a key: that line is also what makes the key known, so a key that is
//! not read cannot be written. A service's table starts from the global values and is read over them.

use std::path::PathBuf;

use super::gate::gates;
use super::reader::{Form, Keys, Recorder, TomlDocument, Value, list, map, one_of, tables, text};
use crate::model::{
    error::Result,
    settings::{
        AppVersion, BaseSetting, Build, BuilderKind, ChangeSettings, ChartSettings, CiSettings,
        EnvironmentSettings, Fanout, FleetSettings, Globs, ImageSettings, Provenance, Sbom,
        SecretSource, ServiceSettings, Settings, ValuePath, globs, valid,
    },
};

/// Reads a configuration. `origin` is what messages call it, `flota.toml` or the path given by `--config`.
///
/// # Errors
/// Misuse (exit 2), `origin:line:column:` first: text that is not UTF-8 or not TOML, an unknown key, a value of the wrong
/// type or one that cannot be meant, a cycle among the `depends_on` lists.
pub fn parse(text: &[u8], origin: &str) -> Result<Settings> {
    let document = TomlDocument::new(text, origin)?;
    let tree = document.parse()?;
    read(&Value::root(&document, &tree))
}

/// Reads the table that is the whole file.
pub(super) fn read(root: &Value) -> Result<Settings> {
    let mut settings = Settings::default();
    root.table(|keys| top_level(keys, &mut settings))?;
    Ok(settings)
}

fn top_level(keys: &mut Keys, settings: &mut Settings) -> Result<()> {
    keys.table("fleet", |keys| fleet(keys, &mut settings.fleet))?;
    keys.table("change", |keys| {
        keys.read("fanout", &mut settings.fanout, tables(fanout))?;
        change(keys, &mut settings.change)
    })?;
    keys.table("image", |keys| image(keys, &mut settings.image))?;
    keys.table("chart", |keys| chart(keys, &mut settings.chart))?;
    keys.read("gate", &mut settings.gates, gates)?;
    if let Some(value) = keys.get("ci") {
        settings.ci = ci(&value)?;
    }
    if let Some(value) = keys.get("environment") {
        settings.environments = value.entries(valid::environment, |_, value| environment(value))?;
        settings.change.environments = settings.environments.keys().cloned().collect();
    }
    // Last: each service starts from what the tables above hold.
    match keys.get("service") {
        Some(value) => services(&value, settings),
        None => Ok(()),
    }
}

fn fleet(keys: &mut Keys, fleet: &mut FleetSettings) -> Result<()> {
    keys.read("services", &mut fleet.services, globs)?;
    keys.read("base_branch", &mut fleet.base_branch, text(valid::branch))?;
    keys.read("base", &mut fleet.base, one_of(&BaseSetting::NAMES))?;
    keys.read("image_edges", &mut fleet.image_edges, Value::boolean)
}

fn ci(value: &Value) -> Result<CiSettings> {
    let mut ci = CiSettings::default();
    value.table(|keys| {
        keys.read("archive", &mut ci.archive, text(valid::archive))?;
        keys.read("sha256", &mut ci.sha256, text(valid::sha256))?;
        keys.read("image", &mut ci.image, text(valid::job_image))?;
        keys.read("record", &mut ci.record, Value::boolean)
    })?;
    match (&ci.archive, &ci.sha256) {
        (Some(_), None) => Err(value
            .fault("has an archive without a sha256")
            .hint("write its sha256, as sha256sum prints it")),
        (None, Some(_)) => Err(value
            .fault("has a sha256 without an archive")
            .hint(r#"write archive = "https://…" too"#)),
        _ => Ok(ci),
    }
}

fn environment(value: &Value) -> Result<EnvironmentSettings> {
    value.table(|_| Ok(EnvironmentSettings::default()))
}

fn change(keys: &mut Keys, change: &mut ChangeSettings) -> Result<()> {
    keys.read("code", &mut change.code, globs)?;
    keys.read("config", &mut change.config, globs)?;
    keys.read("ignore", &mut change.ignore, globs)?;
    keys.read("other", &mut change.other, one_of(&Build::NAMES_OR_NONE))
}

fn fanout(value: &Value) -> Result<Fanout> {
    let (mut paths, mut services, mut action) = (None, None, None);
    value.table(|keys| {
        keys.read("paths", &mut paths, some_globs)?;
        keys.read("services", &mut services, some_globs)?;
        keys.read("action", &mut action, one_of(&Build::NAMES))
    })?;
    Ok(Fanout {
        paths: value.required(paths, r#"paths = ["shared/**"]"#)?,
        services: value.required(services, r#"services = ["**"]"#)?,
        action: value.required(action, r#"action = "image""#)?,
    })
}

fn image(keys: &mut Keys, image: &mut ImageSettings) -> Result<()> {
    keys.read("registry", &mut image.registry, text(valid::registry))?;
    keys.read("builder", &mut image.builder, one_of(&BuilderKind::NAMES))?;
    keys.read("tags", &mut image.tags, list(Value::parse))?;
    keys.read("timeout", &mut image.timeout, Value::seconds)?;
    keys.read("buildx", &mut image.buildx, text(valid::buildx))?;
    keys.read("cache", &mut image.cache, text(valid::registry))?;
    keys.read("sbom", &mut image.sbom, sbom)?;
    keys.read(
        "provenance",
        &mut image.provenance,
        one_of(&Provenance::NAMES),
    )?;
    image_of_a_service(keys, image)
}

/// The keys of `[image]` in which a service may differ.
fn image_of_a_service(keys: &mut Keys, image: &mut ImageSettings) -> Result<()> {
    platforms(keys, image)?;
    keys.read("dockerfile", &mut image.dockerfile, text(valid::dockerfile))?;
    keys.read("target", &mut image.target, text(valid::stage))?;
    keys.read("refresh_base", &mut image.refresh_base, Value::boolean)?;
    let arguments = map(valid::build_arg, text(valid::value));
    keys.read("build_args", &mut image.build_args, arguments)?;
    keys.read("secrets", &mut image.secrets, |value| {
        value.entries(valid::secret_id, |_, source| secret(source))
    })?;
    keys.read("ssh", &mut image.ssh, Value::boolean)
}

/// `platform = "x"` is `platforms = ["x"]`.
fn platforms(keys: &mut Keys, image: &mut ImageSettings) -> Result<()> {
    let (one, several) = (keys.get("platform"), keys.get("platforms"));
    keys.alternative("platform", Form::Text);
    keys.alternative("platforms", Form::List(Recorder::of(Form::Text)));
    let mut names = match (one, several) {
        (None, None) => return Ok(()),
        (Some(_), Some(several)) => {
            return Err(several
                .fault("stands beside `platform`, which means the same")
                .hint("keep one of the two keys"));
        }
        (Some(one), None) => vec![text(valid::platform)(&one)?],
        (None, Some(several)) => {
            let names = several.items(text(valid::platform))?;
            if names.is_empty() {
                return Err(several
                    .fault("is empty")
                    .hint(r#"name one, as in platforms = ["linux/amd64"]"#));
            }
            names
        }
    };
    // The order means nothing, and is no reason for another identity.
    names.sort();
    names.dedup();
    image.platforms = names.into();
    Ok(())
}

/// `true`, or the image that makes it.
fn sbom(value: &Value) -> Result<Option<Sbom>> {
    value.boolean_or(
        |wanted| wanted.then_some(Sbom::Default),
        |value| text(valid::generator)(value).map(|image| Some(Sbom::By(image))),
    )
}

/// `{ env = "NAME" }` or `{ file = "PATH" }`.
fn secret(value: &Value) -> Result<SecretSource> {
    let (mut env, mut file) = (None::<String>, None::<String>);
    value.table(|keys| {
        keys.read("env", &mut env, text(valid::variable))?;
        keys.read("file", &mut file, text(valid::secret_file))?;
        keys.alternative("env", Form::Text);
        keys.alternative("file", Form::Text);
        Ok(())
    })?;
    match (env, file) {
        (Some(name), None) => Ok(SecretSource::Env(name)),
        (None, Some(path)) => Ok(SecretSource::File(path.into())),
        _ => Err(value
            .fault("names no source, or two")
            .hint(r#"write { env = "NAME" }, or { file = "/path/of/a/file" }"#)),
    }
}

fn chart(keys: &mut Keys, chart: &mut ChartSettings) -> Result<()> {
    keys.read("registry", &mut chart.registry, text(valid::registry))?;
    chart_of_a_service(keys, chart)
}

/// The keys of `[chart]` in which a service may differ.
fn chart_of_a_service(keys: &mut Keys, chart: &mut ChartSettings) -> Result<()> {
    keys.read("version", &mut chart.version, Value::parse)?;
    let app_version = one_of(&AppVersion::NAMES);
    keys.read("app_version", &mut chart.app_version, app_version)?;
    keys.read("image", &mut chart.image, Value::parse::<ValuePath>)?;
    let file = text(valid::chart_file);
    keys.read("check_values", &mut chart.check_values, |value| {
        file(value).map(PathBuf::from)
    })?;
    let tokens = map(valid::token, Value::token);
    keys.read("tokens", &mut chart.tokens, tokens)
}

fn services(value: &Value, settings: &mut Settings) -> Result<()> {
    settings.services = value.entries(valid::service_name, |name, value| {
        let mut own = settings.unconfigured(name);
        value.table(|keys| service(keys, &mut own))?;
        Ok(own)
    })?;
    let Some(cycle) = settings.dependency_cycle() else {
        return Ok(());
    };
    let list = value.find(&[cycle[0], "depends_on"]);
    let fault = format!("is part of a cycle: {}", cycle.join(" → "));
    Err(list.as_ref().unwrap_or(value).fault(fault).hint(
        "a service cannot depend on itself: remove one of these names from the list of the one before it",
    ))
}

fn service(keys: &mut Keys, service: &mut ServiceSettings) -> Result<()> {
    let names = list(text(valid::service_name));
    keys.read("depends_on", &mut service.depends_on, names)?;
    keys.table("change", |keys| change(keys, &mut service.change))?;
    keys.table("image", |keys| {
        keys.read(
            "repository",
            &mut service.repository,
            text(valid::repository),
        )?;
        image_of_a_service(keys, &mut service.image)
    })?;
    keys.table("chart", |keys| chart_of_a_service(keys, &mut service.chart))
}

fn globs(value: &Value) -> Result<Globs> {
    let compiled = value.items(|glob| glob.checked(globs::compile))?;
    value.locate(Globs::from_compiled(compiled))
}

/// A list that must name something, since an empty one would make its whole table do nothing.
fn some_globs(value: &Value) -> Result<Globs> {
    let globs = globs(value)?;
    match globs.sources() {
        [] => Err(value.fault("is empty").hint(r#"everything is ["**"]"#)),
        _ => Ok(globs),
    }
}
