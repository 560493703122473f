//! The command line: what all verbs take, and the verbs.

use std::ffi::OsString;

use clap::{Parser, Subcommand, builder::Styles};

use crate::flags::Connection;
use crate::verbs::{
    adopt::AdoptArgs, completion::CompletionArgs, doctor::DoctorArgs, end::EndArgs, explain::ExplainArgs,
    extend::ExtendArgs, hold::HoldArgs, list::ListArgs, man::ManArgs, preview::PreviewArgs, release::ReleaseArgs,
    set::SetArgs, suspend::SuspendArgs, validate::ValidateArgs, version::VersionArgs,
};

const EXAMPLES: &str = "Examples:
  kubectl hpa-override set web --min 10 --max 40 --for 2h --reason \"INC-1234\"
  kubectl hpa-override hold web --for 1h
  kubectl hpa-override list -A
  kubectl hpa-override explain web
  kubectl hpa-override extend web-x7k2p --by 30m
  kubectl hpa-override end web --return-over 10m
  kubectl hpa-override doctor";

/// Overrule the replica bounds of HorizontalPodAutoscalers for a while, see what is active and why, and end it
///
/// It talks to the API server as you, and to nothing else.
#[derive(Debug, Parser)]
#[command(
    name = "kubectl-hpa_override",
    bin_name = "kubectl hpa-override",
    version,
    after_help = EXAMPLES,
    styles = Styles::plain(),
    max_term_width = 100
)]
pub struct Args {
    #[command(flatten)]
    pub connection: Connection,
    #[command(subcommand)]
    pub verb: Verb,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    #[command(aliases = ["create", "override"])]
    Set(SetArgs),
    #[command(aliases = ["freeze", "pin"])]
    Hold(HoldArgs),
    #[command(aliases = ["get", "ls", "status"])]
    List(ListArgs),
    #[command(aliases = ["describe", "why"])]
    Explain(ExplainArgs),
    Extend(ExtendArgs),
    #[command(aliases = ["delete", "remove", "rm", "stop"])]
    End(EndArgs),
    /// Suspend overrides: their end does not move, and the owners' bounds hold meanwhile
    #[command(alias = "pause")]
    Suspend(SuspendArgs),
    /// Resume suspended overrides
    Resume(SuspendArgs),
    Preview(PreviewArgs),
    Validate(ValidateArgs),
    Doctor(DoctorArgs),
    Adopt(AdoptArgs),
    Release(ReleaseArgs),
    Completion(CompletionArgs),
    Version(VersionArgs),
    #[command(hide = true)]
    Man(ManArgs),
    /// What `kubectl_complete-hpa_override` asks
    #[command(name = "__complete", hide = true)]
    Complete {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
}

/// The kinds, as kubectl takes them in front of a name.
const KINDS: [&str; 6] =
    ["hpa", "horizontalpodautoscaler", "horizontalpodautoscalers", "hpao", "autoscaleroverride", "autoscaleroverrides"];

/// Flags that need no value, behind which a name may come.
const SWITCHES: [&str; 11] =
    ["-y", "--yes", "-A", "--all-namespaces", "-w", "--watch", "--all", "--write", "--dry-run", "--wait", "--client"];

/// The words with a kind and the name behind it as one, `hpa web` as `hpa/web`: kubectl takes both.
pub fn joined_names(words: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut words = words.peekable();
    let mut joined: Vec<OsString> = words.next().into_iter().collect();
    // Half a command line is left as it is.
    if words.peek().is_some_and(|first| first == "__complete") {
        joined.extend(words);
        return joined;
    }
    let mut is_value = false;
    while let Some(word) = words.next() {
        let kind = word.to_str().filter(|word| !is_value && KINDS.contains(word));
        let name =
            words.peek().and_then(|next| next.to_str()).filter(|next| !next.starts_with('-') && !next.contains('/'));
        if let (Some(kind), Some(name)) = (kind, name) {
            joined.push(format!("{kind}/{name}").into());
            words.next();
            is_value = false;
        } else {
            is_value = word
                .to_str()
                .is_some_and(|word| word.starts_with('-') && !word.contains('=') && !SWITCHES.contains(&word));
            joined.push(word);
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;
    use rstest::rstest;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn switches_take_no_value() {
        let mut all = Args::command();
        all.build();
        for verb in all.get_subcommands().filter(|verb| !verb.is_hide_set()) {
            let flags = verb.get_arguments().filter(|flag| !flag.is_positional() && !flag.is_global_set());
            for flag in flags.filter(|flag| flag.get_id() != "help") {
                let may_stand_alone = flag.get_num_args().is_some_and(|count| count.min_values() == 0);
                let long = flag.get_long().map(|long| format!("--{long}"));
                for name in long.into_iter().chain(flag.get_short().map(|short| format!("-{short}"))) {
                    assert_eq!(SWITCHES.contains(&name.as_str()), may_stand_alone, "{} {name}", verb.get_name());
                }
            }
        }
    }

    #[rstest]
    #[case::a_kind_and_a_name("set hpa web --min 1", "set hpa/web --min 1")]
    #[case::behind_a_switch("end -y hpa web", "end -y hpa/web")]
    #[case::joined_already("set hpa/web", "set hpa/web")]
    #[case::a_value("-n hpa list", "-n hpa list")]
    #[case::nothing_behind("explain hpa", "explain hpa")]
    #[case::a_flag_behind("explain hpa -o json", "explain hpa -o json")]
    fn kinds_before_names(#[case] given: &str, #[case] expected: &str) {
        let joined = joined_names(["program"].into_iter().chain(given.split(' ')).map(OsString::from));
        assert_eq!(joined.iter().skip(1).map(|word| word.to_str().unwrap()).collect::<Vec<_>>().join(" "), expected);
    }
}
