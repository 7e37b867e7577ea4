//! Random Dockerfiles without `RUN`, with a context for them.

use std::{
    collections::BTreeMap,
    fmt, fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

use crate::support::random::Random;

/// One build.
#[derive(Clone)]
pub struct Case {
    /// The Dockerfile, one element for each directive and instruction.
    pub instructions: Vec<String>,
    /// `.dockerignore`.
    pub ignore: Vec<String>,
    /// `--build-arg`.
    pub arguments: BTreeMap<String, String>,
    /// `--target`.
    pub target: Option<String>,
    /// `--platform`.
    pub platform: String,
    /// How lines end.
    line_end: &'static str,
}

/// What every context holds: files, executables (a `*` at the end), links (`path -> target`), and a folder.
const FILES: [&str; 21] = [
    "a.txt",
    "b.txt",
    "c.md",
    "run.sh*",
    "with space.txt",
    "[odd].txt",
    "dir/one",
    "dir/two.txt",
    "dir/.hidden",
    "dir/tool*",
    "dir/sub/deep.txt",
    "dir/sub/deep.md",
    "other/x.txt",
    "other/sub/y.md",
    "empty/",
    "link -> a.txt",
    "linked -> dir",
    "dir/up -> ../b.txt",
    "dir/abs -> /b.txt",
    "v1.2/app",
    "linux-amd64/app",
];

/// What the text of a file refers to, so that a here-document and a file differ by more than their name.
const TEXT: &str = "file $A ${B} \\$C\n";

impl Case {
    /// Writes the context into the empty folder `at`. Modes are those that Git keeps.
    pub fn write(&self, at: &Path) {
        for file in FILES {
            let (path, target) = file.split_once(" -> ").unwrap_or((file, ""));
            let (path, mode) = match path.strip_suffix('*') {
                Some(path) => (path, 0o755),
                None => (path, 0o644),
            };
            let whole = at.join(path);
            let folder = if path.ends_with('/') {
                &whole
            } else {
                whole.parent().unwrap()
            };
            fs::create_dir_all(folder).unwrap();
            if !target.is_empty() {
                symlink(target, whole).unwrap();
            } else if !path.ends_with('/') {
                fs::write(&whole, format!("{path}: {TEXT}")).unwrap();
                fs::set_permissions(&whole, fs::Permissions::from_mode(mode)).unwrap();
            }
        }
        fs::write(at.join("Dockerfile"), self.dockerfile()).unwrap();
        if !self.ignore.is_empty() {
            let ignore = self.ignore.join(self.line_end);
            fs::write(at.join(".dockerignore"), ignore).unwrap();
        }
        for found in [
            "",
            "dir",
            "dir/sub",
            "other",
            "other/sub",
            "empty",
            "v1.2",
            "linux-amd64",
        ] {
            let mode = fs::Permissions::from_mode(0o755);
            fs::set_permissions(at.join(found), mode).unwrap();
        }
    }

    fn dockerfile(&self) -> String {
        let lines = self.instructions.join("\n") + "\n";
        lines.replace('\n', self.line_end)
    }

    /// The same build with one thing less, in every way there is.
    pub fn smaller(&self) -> Vec<Self> {
        let mut smaller = Vec::new();
        for at in (0..self.instructions.len()).rev() {
            let mut case = self.clone();
            case.instructions.remove(at);
            smaller.push(case);
        }
        for at in (0..self.ignore.len()).rev() {
            let mut case = self.clone();
            case.ignore.remove(at);
            smaller.push(case);
        }
        for name in self.arguments.keys() {
            let mut case = self.clone();
            case.arguments.remove(name);
            smaller.push(case);
        }
        smaller
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}{:?}", self.instructions.join("\n"), self.line_end)?;
        let Self {
            ignore,
            arguments,
            target,
            platform,
            ..
        } = self;
        writeln!(
            f,
            "ignore {ignore:?}, arguments {arguments:?}, target {target:?}, {platform}"
        )
    }
}

/// A Dockerfile while it is made up.
pub struct Generator<'a> {
    random: &'a mut Random,
    escape: char,
    /// Whether it may have what some builder refuses.
    is_wild: bool,
    stages: Vec<Made>,
}

/// A stage while it is made up.
#[derive(Clone, Default)]
struct Made {
    name: Option<String>,
    /// What was probably put into it.
    paths: Vec<String>,
}

const NAMES: [&str; 12] = [
    "A",
    "B",
    "C",
    "UNSET",
    "VERSION",
    "EMPTY",
    "TARGETARCH",
    "TARGETPLATFORM",
    "TARGETOS",
    "TARGETVARIANT",
    "TARGETSTAGE",
    "PATH",
];

impl<'a> Generator<'a> {
    /// A build that depends on `random` alone.
    pub fn case(random: &'a mut Random) -> Case {
        let escape = if random.one_in(8) { '`' } else { '\\' };
        let is_wild = random.one_in(8);
        let mut generator = Self {
            random,
            escape,
            is_wild,
            stages: Vec::new(),
        };
        generator.whole()
    }

    fn whole(&mut self) -> Case {
        let mut instructions = Vec::new();
        if self.escape == '`' || self.one_in(12) {
            instructions.push(format!("# escape={}", self.escape));
        }
        for _ in 0..self.below(3) {
            instructions.push(self.argument());
        }
        for stage in 0..=self.below(4) {
            instructions.push(self.from(stage));
            for _ in 0..1 + self.below(7) {
                let instruction = self.instruction(stage);
                instructions.push(self.typed(instruction));
            }
        }
        let mut case = Case {
            instructions,
            ignore: Vec::new(),
            arguments: BTreeMap::new(),
            target: None,
            platform: self.pick("linux/amd64|linux/amd64|linux/amd64|linux/arm64|linux/arm/v7"),
            line_end: if self.one_in(20) { "\r\n" } else { "\n" },
        };
        if self.one_in(4) {
            case.ignore = (0..=self.below(4)).map(|_| self.ignore()).collect();
        }
        for _ in 0..self.below(3) {
            let name = self.random.pick(&NAMES[..5]);
            case.arguments.insert((*name).to_owned(), self.plain());
        }
        if self.one_in(6) {
            case.target = self.stage(self.stages.len()).and_then(|made| made.name);
        }
        case
    }

    fn below(&mut self, end: usize) -> usize {
        self.random.below(end)
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.random.one_in(count)
    }

    /// One of the words between the bars.
    fn pick(&mut self, of: &str) -> String {
        let words: Vec<&str> = of.split('|').collect();
        (*self.random.pick(&words)).to_owned()
    }

    /// One of these, or now and then one of those that are likely to be refused.
    fn pick_or(&mut self, of: &str, bad: &str) -> String {
        match self.is_wild && self.one_in(3) {
            true => self.pick(bad),
            false => self.pick(of),
        }
    }

    /// As people type it: in lower case, over several lines, with blanks.
    fn typed(&mut self, instruction: String) -> String {
        if instruction.contains('\n') {
            return instruction;
        }
        match self.below(14) {
            0 => {
                let (keyword, rest) = instruction.split_once(' ').unwrap_or((&instruction, ""));
                format!("{} {rest}", keyword.to_lowercase())
            }
            1 => instruction.replacen(' ', " \t ", 1),
            2 => format!("  {instruction}  "),
            3 | 4 => {
                let end = self.pick("\n| \n|\n  |\n# comment\n|\n  # comment\n\n|\n\n");
                let blanks: Vec<usize> = instruction.match_indices(' ').map(|(at, _)| at).collect();
                let Some(&at) = blanks.get(self.below(blanks.len().max(1))) else {
                    return instruction;
                };
                format!(
                    "{} {}{end}{}",
                    &instruction[..at],
                    self.escape,
                    &instruction[at + 1..]
                )
            }
            5 => format!("# about it\n\n{instruction}"),
            _ => instruction,
        }
    }

    fn from(&mut self, stage: usize) -> String {
        let mut from = "FROM ".to_owned();
        if self.one_in(10) {
            from += &self.pick(
                "--platform=linux/arm64 |--platform=$TARGETPLATFORM |--platform=$BUILDPLATFORM ",
            );
        }
        let base = self.stage(stage).filter(|_| self.below(3) > 0);
        let mut made = base.clone().unwrap_or_default();
        from += &base
            .and_then(|base| base.name)
            .unwrap_or_else(|| "scratch".into());
        made.name = None;
        if self.below(3) > 0 {
            let name = format!("{}{stage}", self.pick("base|Build|x-y_z.|s"));
            from += &self.pick(" AS | as ");
            from += &name;
            made.name = Some(name.to_lowercase());
        }
        self.stages.push(made);
        from
    }

    /// A stage with a name, of the first `end`.
    fn stage(&mut self, end: usize) -> Option<Made> {
        let named = self.stages[..end].iter().filter(|made| made.name.is_some());
        let named: Vec<Made> = named.cloned().collect();
        (!named.is_empty()).then(|| self.random.pick(&named).clone())
    }

    fn instruction(&mut self, stage: usize) -> String {
        match self.below(34) {
            0..=2 => self.argument(),
            3..=5 => format!("ENV {}", self.pairs()),
            6 | 7 => format!("LABEL {}", self.pairs()),
            8..=17 => self.copy(stage),
            18 | 19 => self.document(stage),
            20 | 21 => {
                let folder = self.folder();
                self.stages[stage].paths.push(folder.clone());
                format!("WORKDIR {folder}")
            }
            22 => format!(
                "USER {}",
                self.pick_or("1000|1000:1001|0|${UNSET:-7}|65532:65532", "$A")
            ),
            23 => format!("EXPOSE {}", self.ports()),
            24 => {
                let volume = "/data|/a /b|[\"/v 1\", \"/v2\"]|\"/q\"|/x/|['/x']|/a,/b";
                format!("VOLUME {}", self.pick_or(volume, "$A|[\"\"]|[1]|[]"))
            }
            25 => {
                let signals =
                    "SIGTERM|9|sigint|TERM|SIGRTMIN+3|${UNSET:-SIGHUP}|RTMAX-2|SIGSTKFLT|64";
                format!(
                    "STOPSIGNAL {}",
                    self.pick_or(signals, "$A|SIGNONE|99|0|SIGRTMIN+99|RTMIN-1")
                )
            }
            26 => self.healthcheck(),
            27..=30 => format!("{} {}", self.pick("CMD|ENTRYPOINT"), self.command()),
            31 => {
                let triggers = "COPY a.txt /onbuild/|ENV O=$A|ARG A=onbuild|WORKDIR /onbuild|LABEL o=1 p=2|USER 3";
                format!("ONBUILD {}", self.pick(triggers))
            }
            32 => {
                let shells =
                    "[\"/bin/bash\", \"-c\"]|[\"/x\"]|[\"/bin/sh\",\"-euo\",\"pipefail\",\"-c\"]";
                format!("SHELL {}", self.pick_or(shells, "[]|/bin/sh -c"))
            }
            _ => format!(
                "MAINTAINER {}",
                self.pick("Some One <one@example.com>|$A|\"quoted\"")
            ),
        }
    }

    fn argument(&mut self) -> String {
        let name = self.random.pick(&NAMES[..8]);
        match self.below(5) {
            0 => format!("ARG {name}"),
            1 => format!(
                "ARG {name}={} {}={}",
                self.word(),
                self.random.pick(&NAMES[..5]),
                self.plain()
            ),
            2 => format!("ARG {name}="),
            _ => format!("ARG {name}={}", self.word()),
        }
    }

    fn pairs(&mut self) -> String {
        let keys = [
            "A",
            "B",
            "VERSION",
            "EMPTY",
            "KEY",
            "org.example.key",
            "\"quoted key\"",
            "PATH",
            "${A}key",
        ];
        if self.one_in(6) {
            return format!(
                "{} {} more  {}",
                self.random.pick(&keys[..5]),
                self.word(),
                self.plain()
            );
        }
        let pairs: Vec<String> = (0..=self.below(3))
            .map(|_| format!("{}={}", self.random.pick(&keys), self.word()))
            .collect();
        pairs.join(" ")
    }

    /// Text without anything special.
    fn plain(&mut self) -> String {
        self.pick("1.2.3|path/to/app-1.2.tar.gz|x|v1.2|aXbXc|dir|ünï")
    }

    /// One word with variables, quotes and escapes.
    fn word(&mut self) -> String {
        let mut word = String::new();
        for _ in 0..=self.below(2) {
            let escape = self.escape;
            word += &match self.below(16) {
                0..=4 => self.plain(),
                5..=8 => self.variable(2),
                9 => format!("\"{} {}\"", self.plain(), self.variable(1)),
                10 => format!("'{} $A'", self.plain()),
                11 => format!("{escape}$A"),
                12 => format!("a{escape} b"),
                13 => format!("\"{escape}\"{escape}x{escape}{escape}\""),
                14 => "\"\"".into(),
                _ => self.pick_or(
                    "a'b c'd|$|a$|$$|$1|$@|a#b|%20|a\"\"b|{}|=|a=b|<x",
                    "'|\"|a'b",
                ),
            };
        }
        word
    }

    fn variable(&mut self, depth: usize) -> String {
        let name = self.random.pick(&NAMES);
        let inner = match depth {
            0 => self.plain(),
            _ if self.one_in(3) => self.variable(depth - 1),
            _ => self.plain(),
        };
        // Within quotes there can be no others.
        match self.below(if depth == 2 { 19 } else { 16 }) {
            0..=3 => format!("${name}"),
            4..=6 => format!("${{{name}}}"),
            7..=10 => format!("${{{name}{}{inner}}}", self.pick(":-|-|:+|+")),
            11..=13 => format!("${{{name}{}{}}}", self.pick("#|##|%|%%"), self.pattern()),
            14 | 15 => format!("${{{name}{}{}/{inner}}}", self.pick("/|//"), self.pattern()),
            16 => format!("${{{name}:-'{inner} q'}}"),
            17 => format!("${{{name}:-\"{inner} q\"}}"),
            _ => self.pick_or(
                "${A}|${PATH:?}|${PATH?no}",
                "${A|${}|${A:}|${A^}|${A:1}|${A,,}|${UNSET:?no}|${A:#x}|${A/x}",
            ),
        }
    }

    fn pattern(&mut self) -> String {
        let escape = self.escape;
        match self.below(12) {
            0 => "*".into(),
            1 => "*.".into(),
            2 => "1*".into(),
            3 => ".*".into(),
            4 => "*X".into(),
            5 => "?".into(),
            6 => "X".into(),
            7 => "$A".into(),
            8 => format!("{escape}*"),
            9 => "\"p\"*".into(),
            10 => format!("{escape}/"),
            _ => self.pick_or("[a-z]|(.)|p?t", "*/|/*|\\x"),
        }
    }

    fn copy(&mut self, stage: usize) -> String {
        let is_add = self.one_in(5);
        let mut copy = if is_add { "ADD" } else { "COPY" }.to_owned();
        let mut from = None;
        if !is_add && stage > 0 && self.below(3) > 0 {
            let at = self.below(stage);
            let made = self.stages[at].clone();
            let name = made.name.clone().filter(|_| self.one_in(2));
            copy += &format!(" --from={}", name.unwrap_or_else(|| at.to_string()));
            from = Some(made);
        }
        if self.one_in(6) {
            let owners = "1000|1000:1001|0:7|${UNSET:-5}|65532:65532";
            copy += &format!(" --chown={}", self.pick_or(owners, "$A|1:|-1"));
        }
        if self.one_in(6) {
            let modes = "755|0600|4711|u+x|go-r|a=rX|u=rwx,g=rx,o=|${UNSET:-700}|+x|g=u|u+s,o+t";
            copy += &format!(" --chmod={}", self.pick_or(modes, "0o755|9|10000|u*x"));
        }
        if self.one_in(6) {
            copy += &self.pick_or(
                " --link| --link=true| --link=false",
                " --link=x| --link --link| --none",
            );
        }
        if !is_add && self.one_in(7) {
            copy += " --parents";
        }
        while self.one_in(8) {
            let patterns = "*.md|**/*.txt|sub|dir/sub|**/deep*|one|*|!one|a.txt";
            copy += &format!(" --exclude={}", self.pick_or(patterns, "["));
        }
        let count = 1 + [0, 0, 0, 1, 2][self.below(5)];
        let mut words: Vec<String> = (0..count).map(|_| self.source(from.as_ref())).collect();
        words.push(self.destination(count > 1));
        self.stages[stage].paths.extend(words.last().cloned());
        if self.one_in(8) || words.iter().any(|word| word.contains(' ')) {
            let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
            return format!("{copy} [{}]", quoted.join(", "));
        }
        format!("{copy} {}", words.join(" "))
    }

    /// What is copied: of a stage, or of the context.
    fn source(&mut self, from: Option<&Made>) -> String {
        if let Some(made) = from {
            if made.paths.is_empty() || self.one_in(3) {
                return self.pick_or("/|.|/*|*.txt|*/*|*/sub|**/*.md", "a.txt|/none");
            }
            let path = self.random.pick(&made.paths).clone();
            let below = self.pick("||/|/*|/.|/*.txt");
            return match path.trim_end_matches('/') {
                "" if below.is_empty() => path,
                trimmed => trimmed.to_owned() + &below,
            };
        }
        self.pick_or(
            ".|a.txt|b.txt|/a.txt|dir|dir/|dir/.|dir/*|*.txt|*.md|d?r|[a-b].txt|*|*/sub|dir/sub/*.md|\
             run.sh|link|linked|linked/one|dir/up|dir/abs|empty|other|other/../a.txt|*.none|none*/x|\
             with space.txt|./dir/./sub|dir/./sub/deep.txt|**/deep.txt|v${UNSET:-1.2}/app|${UNSET:-linux}-amd64/app|\
             dir/**|**/*.md|Dockerfile|../a.txt|dir//one|./*.txt",
            "missing|$A|[|dir/*/[|https://example.com/none",
        )
    }

    fn destination(&mut self, several: bool) -> String {
        if several && self.below(6) > 0 {
            return self.pick("/d/|./|/d/e/|/|${UNSET:-/q}/|/w/");
        }
        self.pick_or(
            "/|/d/|/d/|/d|/d/e/|d/|.|./|/w/x|/w/|/d/a.txt|/$A/|${UNSET:-/q}/|../p/|/d/../r/|/x|\
             /d/sub|/l/|sub/|/d/linked/|/d/.|/d/link",
            "\"/quo\"|$UNSET|/d/a.txt/",
        )
    }

    fn folder(&mut self) -> String {
        self.pick(
            "/w|/w/|w|sub|/d|/d/sub|..|/|/$A|$UNSET|/a//b/../c|./x/.|\"/quoted dir\"|/d/link|/l|\
             ${A:-/z}",
        )
    }

    /// A `COPY` or `ADD` of here-documents.
    fn document(&mut self, stage: usize) -> String {
        let keyword = self.pick("COPY|COPY|ADD");
        let options = self.pick("||| --chmod=755| --chown=5:6| --link");
        let destination = self.pick("/h/|/h/|/|h/|/d/");
        self.stages[stage].paths.push(destination.clone());
        let line = self.pick("plain|$A ${B:-b} ${C}|\"quoted $A\" 'single $A'|\\$A \\\\ \\x|\tindented $A|`$A`|a # b|");
        let name = self.pick("EOF|a.txt|conf.ini");
        match self.below(6) {
            0 => format!("{keyword}{options} <<\"{name}\" {destination}\n{line}\n{name}"),
            1 => format!("{keyword}{options} <<-{name} {destination}\n\t{line}\n\t\tx\n\t{name}"),
            2 => format!(
                "{keyword}{options} <<{name} <<two {destination}\n{line}\n{name}\nsecond\ntwo"
            ),
            3 => format!("{keyword}{options} b.txt <<{name} {destination}\n{line}\n\n{name}"),
            4 => format!("{keyword}{options} <<{name} {destination}file\n{line}\nlast\n{name}"),
            _ => format!("{keyword}{options} <<{name} {destination}\n{line}\n{name}"),
        }
    }

    fn ports(&mut self) -> String {
        let good = "80|53/udp|8000-8002|9/TCP|${UNSET:-7}|127.0.0.1:80:81|8080:80|70:71/sctp|0|443/|[::1]:5:6";
        let ports: Vec<String> = (0..=self.below(2))
            .map(|_| self.pick_or(good, "$A|70000|5-3|1/x|x:80:80|1-3:5-6|\"7 8\""))
            .collect();
        ports.join(" ")
    }

    fn command(&mut self) -> String {
        self.pick_or(
            "[\"/a\", \"b c\"]|[]|[ \"/a\" ]|/a  b $A|exec /a \"b\" 'c'|['/a']|[\"/a\", ]|[\"$A\"]|\
             [\"\\u00e4\\n\"]|[\"/a\"] && b|[\"\"]|[ -e /a ] && b|echo # no",
            "[\"/a\", 1]|--x|# no|[null]",
        )
    }

    fn healthcheck(&mut self) -> String {
        let good = "|--interval=5s |--timeout=1m30s --retries=3 |--start-period=500ms --start-interval=2s |\
             --retries=0 |--interval=0 |--interval=1.5h ";
        let options = self.pick_or(
            good,
            "--retries=-1 |--interval=5 |--interval=1us |--retries=x |--none=1 |--interval=-5s ",
        );
        match self.below(4) {
            0 => "HEALTHCHECK NONE".into(),
            1 => format!("HEALTHCHECK {options}CMD [\"/a\", \"b\"]"),
            2 => format!("HEALTHCHECK {options}CMD /a  $A \"b\""),
            _ => format!("HEALTHCHECK {options}cmd /a"),
        }
    }

    fn ignore(&mut self) -> String {
        self.pick("*.md|dir|!dir/one|**/*.txt|!a.txt|dir/*|# comment| other |/b.txt|**/sub|*|!dir/sub/deep.txt|\
             dir/sub/**||**|!**/x.txt|d?r|[ab].txt|dir/../a.txt|./c.md|other/|**/deep.*|!dir|li*|\
             .|Dockerfile|v1.2/**|!v1.2/app|**.md|a.txt/")
    }
}
