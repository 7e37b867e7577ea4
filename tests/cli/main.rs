//! The program as its users meet it: arguments in; stdout, stderr and exit code out. One file a command.

#[path = "../support/mod.rs"]
mod support;

mod all_is_well;
mod bad_input;
mod branch;
mod build;
mod build_bases;
mod build_buildx;
mod build_buildx_edges;
mod build_chart;
mod build_engines;
mod build_faults;
mod build_filters;
mod build_push;
mod build_run;
mod bump;
mod cache;
mod changed;
mod check;
mod ci;
mod clone;
mod clone_content;
mod clone_filters;
mod clone_place;
mod clone_served;
mod clone_transports;
mod commit;
mod completions;
mod consumers;
#[path = "../support/daemons.rs"]
mod daemons;
mod demo;
mod diff;
mod documents;
mod environments;
mod explain;
#[path = "../registry/fake.rs"]
#[allow(dead_code, reason = "each test program uses its own part")]
mod fake;
mod faults;
mod fetch;
mod foreach;
mod gates;
mod git_settings;
mod graph;
mod help;
mod hostile;
#[path = "../support/http.rs"]
#[allow(dead_code, reason = "each test program uses its own part")]
mod http;
mod image_edges;
mod image_edges_elsewhere;
mod init;
mod inside_service;
mod installers;
mod log;
mod man;
mod nested;
mod nested_forks;
mod new;
mod own_configuration;
mod own_remotes;
mod package;
mod plan;
mod pull;
mod push;
mod questions;
mod record;
mod redirects;
mod references;
#[path = "../support/registry.rs"]
#[allow(dead_code, reason = "each test program uses its own part")]
mod registry;
mod report;
mod resolve;
mod retries;
mod sandbox;
mod schema;
mod select;
mod shared_repository;
mod slow_servers;
mod speaking;
mod status;
mod switch;
mod sync;
mod template;
mod templates;
mod terminal;
mod update;
#[path = "../support/workspace.rs"]
mod workspace;
mod worktree;
