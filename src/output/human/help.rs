//! `flota help`: pages in Markdown, for a terminal.

use console::{Style, Term};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::table::table;
use crate::output::theme;

/// The width of a paragraph where nothing limits it: long lines are hard to read.
const WIDEST: usize = 100;

/// The width where there is no terminal to ask.
const USUAL: usize = 80;

/// What stands before a line of code.
const INDENT: &str = "    ";

/// The help of a command; clap writes its own colours.
pub(crate) fn command_help(help: &clap::builder::StyledStr) -> String {
    match console::colors_enabled() {
        true => help.ansi().to_string(),
        false => help.to_string(),
    }
}

/// A page of `flota help TOPIC`, from Markdown: headings, paragraphs, lists of one level, tables and code. A test holds that the
/// pages have nothing else.
pub(crate) fn help_page(markdown: &str) -> String {
    let width = match Term::stdout().size_checked() {
        Some((_, columns)) => usize::from(columns).min(WIDEST),
        None => USUAL,
    };
    let mut page = Page::new(width);
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        page.event(event);
    }
    page.out
}

struct Page {
    out: String,
    width: usize,
    /// The text of the block that is being read.
    text: String,
    /// What the first line of that block begins with: the mark of a list's entry.
    mark: String,
    /// The number of the next entry; none in a list with bullets.
    number: Option<u64>,
    is_code: bool,
    is_strong: bool,
    rows: Vec<Vec<String>>,
}

impl Page {
    fn new(width: usize) -> Self {
        Self {
            out: String::new(),
            width,
            text: String::new(),
            mark: String::new(),
            number: None,
            is_code: false,
            is_strong: false,
            rows: Vec::new(),
        }
    }

    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) if self.is_strong => self.text += &bold(&text),
            Event::Text(text) => self.text += &text,
            Event::Code(code) => self.text += &inline_code(&code),
            Event::SoftBreak | Event::HardBreak => self.text.push(' '),
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Heading { .. }
            | Tag::Paragraph
            | Tag::List(_)
            | Tag::CodeBlock(_)
            | Tag::Table(_)
                if self.mark.is_empty() && !self.out.is_empty() =>
            {
                self.out.push('\n');
            }
            _ => {}
        }
        match tag {
            Tag::List(first) => self.number = first,
            Tag::Item => {
                self.mark = match &mut self.number {
                    Some(number) => {
                        *number += 1;
                        format!("{}. ", *number - 1)
                    }
                    None => "- ".to_owned(),
                };
            }
            Tag::CodeBlock(_) => self.is_code = true,
            Tag::Strong => self.is_strong = true,
            Tag::TableHead | Tag::TableRow => self.rows.push(Vec::new()),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(_) => {
                let heading = std::mem::take(&mut self.text);
                self.out += &format!("{}\n", theme::heading(heading));
            }
            TagEnd::Paragraph | TagEnd::Item => self.paragraph(),
            TagEnd::CodeBlock => {
                for line in std::mem::take(&mut self.text).lines() {
                    self.out += format!("{INDENT}{line}").trim_end();
                    self.out.push('\n');
                }
                self.is_code = false;
            }
            TagEnd::Strong => self.is_strong = false,
            TagEnd::TableCell => {
                let cell = std::mem::take(&mut self.text);
                if let Some(row) = self.rows.last_mut() {
                    row.push(cell);
                }
            }
            TagEnd::Table => {
                let mut rows = std::mem::take(&mut self.rows).into_iter();
                let header = rows.next().unwrap_or_default();
                let header: Vec<&str> = header.iter().map(String::as_str).collect();
                self.out += &table(&header, rows);
            }
            _ => {}
        }
    }

    /// Ends a paragraph or an entry of a list, whose further lines stand below its first word.
    fn paragraph(&mut self) {
        let (text, mark) = (
            std::mem::take(&mut self.text),
            std::mem::take(&mut self.mark),
        );
        if text.is_empty() {
            return;
        }
        let indent = " ".repeat(mark.len());
        let mut line = mark;
        let mut is_first = true;
        for word in text.split_whitespace() {
            let wide = console::measure_text_width(&line) + 1 + console::measure_text_width(word);
            if !is_first && wide > self.width {
                self.out += &line;
                self.out.push('\n');
                line.clone_from(&indent);
                is_first = true;
            }
            if !is_first {
                line.push(' ');
            }
            line += word;
            is_first = false;
        }
        self.out += &line;
        self.out.push('\n');
    }
}

/// Each word by itself: less(1) forgets at the end of a line what is bold.
fn bold(text: &str) -> String {
    let bold = |word: &str| match word.is_empty() {
        true => String::new(),
        false => Style::new().bold().apply_to(word).to_string(),
    };
    let words: Vec<String> = text.split(' ').map(bold).collect();
    words.join(" ")
}

/// Bold where there are colours, else between its backticks.
fn inline_code(code: &str) -> String {
    match console::colors_enabled() {
        true => bold(code),
        false => format!("`{code}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(markdown: &str) -> String {
        console::set_colors_enabled(false);
        help_page(markdown)
    }

    #[test]
    fn paragraphs_are_filled_and_code_stays() {
        let long = "word ".repeat(30);
        let page = shown(&format!(
            "# Title\n\n{long}\nend `a b`.\n\n```toml\nx  =  1\n\n# y\n```\n"
        ));
        assert_eq!(
            page,
            format!(
                "Title\n\n{}\n{} end `a b`.\n\n    x  =  1\n\n    # y\n",
                "word ".repeat(16).trim_end(),
                "word ".repeat(14).trim_end()
            )
        );
    }

    #[test]
    fn entries_of_lists_hang_below_their_marks() {
        let long = "word ".repeat(20);
        let page = shown(&format!("Text:\n\n- {long}\n- b\n\n1. c\n2. d\n"));
        let (first, rest) = ("word ".repeat(15), "word ".repeat(5));
        let (first, rest) = (first.trim_end(), rest.trim_end());
        assert_eq!(
            page,
            format!("Text:\n\n- {first}\n  {rest}\n- b\n\n1. c\n2. d\n")
        );
    }

    #[test]
    fn tables_have_columns() {
        assert_eq!(
            shown("a\n\n| x | y |\n|---|---|\n| `p\\|q` | **r** s |\n"),
            "a\n\nx      y\n`p|q`  r s\n"
        );
    }
}
