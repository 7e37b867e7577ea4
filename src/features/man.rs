//! `flota man`: the command line's help, and the topics of `flota help`, as pages for man(1).

use std::{fs, io, path::Path};

use clap::Command;
use clap_mangen::{
    Man,
    roff::{Inline, Roff, bold, italic, roman},
};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::{
    model::error::{Error, Result},
    templates,
};

/// Where pages come from, as their foot says.
const SOURCE: &str = concat!("flota ", env!("CARGO_PKG_VERSION"));

/// A topic of `flota help`: its name and its title.
pub(crate) type Topic = (&'static str, &'static str);

/// The page of the whole program, which refers to those of the `topics`.
///
/// # Errors
/// Unavailable: there is no memory for it.
pub(crate) fn page(command: Command, topics: &[Topic]) -> Result<Vec<u8>> {
    let mut page = Vec::new();
    page_of(command)
        .render(&mut page)
        .map_err(|err| Error::unavailable("cannot write the page").because(err))?;
    page.extend(see_also(topics).to_roff().into_bytes());
    Ok(page)
}

/// Writes the pages into `dir`, which is created if it does not exist: that of the program, and one for each command (section
/// 1) and for each topic (section 7).
///
/// # Errors
/// Unavailable: they cannot be written.
pub(crate) fn write(mut command: Command, topics: &[Topic], dir: &Path) -> Result<()> {
    let first = page(command.clone(), topics)?;
    // Subcommands know what they are part of only now.
    command.build();
    let write = || {
        fs::create_dir_all(dir)?;
        write_each(&command, dir)?;
        fs::write(dir.join("flota.1"), first)?;
        topics.iter().try_for_each(|topic| {
            let text = templates::help_page(topic.0).unwrap_or_default();
            let file = dir.join(format!("flota-{}.7", topic.0));
            fs::write(file, topic_page(*topic, text).render())
        })
    };
    write().map_err(|err| {
        Error::unavailable(format!("cannot write into `{}`", dir.display())).because(err)
    })
}

fn write_each(command: &Command, dir: &Path) -> io::Result<()> {
    for shown in command.get_subcommands().filter(|each| !each.is_hide_set()) {
        page_of(shown.clone()).generate_to(dir)?;
        write_each(shown, dir)?;
    }
    Ok(())
}

/// One command's page. Its synopsis is the help's usage, since clap_mangen's own has options without what they take; and the
/// date is a blank, since an empty one is left out there, and the version read in its place.
fn page_of(mut command: Command) -> Man {
    let usage = command.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").to_owned();
    Man::new(command.override_usage(usage))
        .date(" ")
        .source(SOURCE)
        .manual("flota")
}

fn see_also(topics: &[Topic]) -> Roff {
    let mut page = Roff::new();
    page.control("SH", ["SEE ALSO"]);
    for (name, title) in topics {
        page.control("TP", []);
        page.text([bold(format!("flota-{name}")), roman("(7)")]);
        page.text([roman(*title)]);
    }
    page
}

/// A topic's page, from Markdown. man(7) has no tables: a row becomes a paragraph under its first cell.
fn topic_page((name, title): Topic, markdown: &str) -> Roff {
    let mut page = Roff::new();
    let name = format!("flota-{name}");
    page.control("TH", [name.as_str(), "7", " ", SOURCE, "flota"]);
    page.control("SH", ["NAME"]);
    page.text([roman(format!("{name} - {title}"))]);
    page.control("SH", ["DESCRIPTION"]);
    let mut topic = TopicPage {
        page,
        text: Vec::new(),
        header: Vec::new(),
        cells: Vec::new(),
        number: None,
        is_entry: false,
        is_strong: false,
    };
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        topic.event(event);
    }
    topic.page
}

struct TopicPage {
    page: Roff,
    /// The text of the block that is being read.
    text: Vec<Inline>,
    /// The titles of a table's columns.
    header: Vec<Vec<Inline>>,
    /// The row that is being read.
    cells: Vec<Vec<Inline>>,
    /// The number of the next entry; none in a list with bullets.
    number: Option<u64>,
    /// Whether the paragraph to come is an entry of a list, which has begun.
    is_entry: bool,
    is_strong: bool,
}

impl TopicPage {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) if self.is_strong => self.text.push(bold(text.into_string())),
            Event::Text(text) => self.text.push(roman(text.into_string())),
            Event::Code(code) => self.text.push(bold(code.into_string())),
            Event::SoftBreak | Event::HardBreak => self.text.push(roman(" ")),
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::List(first) => self.number = first,
            Tag::Item => {
                let mark = match &mut self.number {
                    Some(number) => {
                        *number += 1;
                        format!("{}.", *number - 1)
                    }
                    None => "-".to_owned(),
                };
                self.page.control("IP", [mark.as_str(), "3"]);
                self.is_entry = true;
            }
            Tag::Strong => self.is_strong = true,
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            // The first heading is the title, which NAME has.
            TagEnd::Heading(pulldown_cmark::HeadingLevel::H1) => self.text.clear(),
            TagEnd::Heading(_) => {
                let title: String = self.text.drain(..).map(words).collect();
                self.page.control("SH", [title.to_uppercase().as_str()]);
            }
            TagEnd::Paragraph | TagEnd::Item => {
                if !std::mem::take(&mut self.is_entry) && !self.text.is_empty() {
                    self.page.control("PP", []);
                }
                self.flush();
            }
            TagEnd::CodeBlock => {
                let code: String = self.text.drain(..).map(words).collect();
                self.page
                    .control("PP", [])
                    .control("RS", ["4"])
                    .control("EX", []);
                for line in code.lines() {
                    self.page.text([roman(line)]);
                }
                self.page.control("EE", []).control("RE", []);
            }
            TagEnd::Strong => self.is_strong = false,
            TagEnd::TableCell => self.cells.push(std::mem::take(&mut self.text)),
            TagEnd::TableHead => self.header = std::mem::take(&mut self.cells),
            TagEnd::TableRow => self.row(),
            _ => {}
        }
    }

    fn row(&mut self) {
        let mut cells = std::mem::take(&mut self.cells).into_iter();
        self.page.control("TP", []);
        let first = cells.next().unwrap_or_default().into_iter().map(words);
        self.page.text([bold(first.collect::<String>())]);
        let header = std::mem::take(&mut self.header);
        let is_wide = header.len() > 2;
        let mut is_first = true;
        for (cell, title) in cells.zip(header.iter().skip(1)) {
            if cell.is_empty() {
                continue;
            }
            if !std::mem::take(&mut is_first) {
                self.page.control("br", []);
            }
            let title: String = title.iter().cloned().map(words).collect();
            if is_wide && !title.is_empty() {
                self.text.extend([italic(title), roman(": ")]);
            }
            self.text.extend(cell);
            self.flush();
        }
        self.header = header;
    }

    fn flush(&mut self) {
        let text = std::mem::take(&mut self.text);
        if !text.is_empty() {
            self.page.text(text);
        }
    }
}

/// What an inline says, without its font.
fn words(inline: Inline) -> String {
    match inline {
        Inline::Roman(text) | Inline::Bold(text) | Inline::Italic(text) => text,
        Inline::LineBreak => String::new(),
    }
}
