//! The template engine: it reads no file of the machine, and its work and output are limited.

use std::io;

use bstr::ByteSlice;
use minijinja::{Environment, UndefinedBehavior, Value, syntax::SyntaxConfig};

use crate::model::{
    error::{Error, Result},
    template::Values,
};

/// What every file ends with that is to be rendered.
pub(super) const ENDING: &str = ".jinja";

/// Instructions of the engine that one file may take: a loop over a few thousand lines.
const FUEL: u64 = 1_000_000;

/// The most bytes that one file may become.
const OUTPUT_LIMIT: usize = 4 << 20;

/// Fills texts with one set of values.
pub(super) struct Renderer {
    environment: Environment<'static>,
    values: Value,
}

impl Renderer {
    pub(super) fn new(values: &Values) -> Result<Self> {
        let mut environment = Environment::new();
        let syntax = SyntaxConfig::builder()
            .variable_delimiters("[[", "]]")
            .block_delimiters("[%", "%]")
            .comment_delimiters("[#", "#]")
            .keep_trailing_newline(true)
            // A line that holds nothing but a statement leaves no line behind.
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build()
            .map_err(failed)?;
        environment.set_syntax(syntax);
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        Ok(Self {
            environment,
            values: Value::from(values.clone()),
        })
    }

    /// A file's content.
    pub(super) fn bytes(&self, template: &[u8]) -> Result<Vec<u8>> {
        let text = template
            .to_str()
            .map_err(|err| Error::work("it is not UTF-8").because(err))?;
        let template = self.environment.template_from_str(text).map_err(failed)?;
        let mut output = Bounded(Vec::new());
        template
            .render_captured_to(self.values.clone(), &mut output)
            .map_err(failed)?;
        Ok(output.0)
    }

    /// A file's name, or a default.
    pub(super) fn text(&self, template: &str) -> Result<String> {
        let bytes = self.bytes(template.as_bytes())?;
        String::from_utf8(bytes).map_err(|err| Error::work("it is not UTF-8").because(err))
    }
}

struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > OUTPUT_LIMIT {
            return Err(io::Error::other(format!(
                "it would have more than {OUTPUT_LIMIT} bytes"
            )));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn failed(err: minijinja::Error) -> Error {
    Error::work("it cannot be rendered").because(err)
}
