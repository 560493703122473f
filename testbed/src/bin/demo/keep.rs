//! Stays, with the control plane, until somebody has played enough.
//!
//! The programs end with this one, so it stays in the foreground.

use anyhow::Result;
use hpa_override_testbed::assets::{self, Program};
use hpa_override_testbed::{Identity, World};

use crate::shop::{ALICE, ARGOCD};
use crate::timeline::{Timeline, note};

/// Says how to get in, and returns when it is enough.
pub(crate) async fn stay(world: &World, timeline: &Timeline) -> Result<()> {
    invite(world, timeline)?;
    tokio::select! {
        () = enter() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    Ok(())
}

fn invite(world: &World, timeline: &Timeline) -> Result<()> {
    let export = |identity| {
        let file = world.plane().kubeconfig_file(&identity)?;
        anyhow::Ok(format!("  export KUBECONFIG={}", file.display()))
    };
    let campaign = world.plane().folder().join("campaign.yaml");
    timeline.chapter("The control plane stays up. In another terminal, as admin:");
    note(&format!("  alias kubectl={}", assets::find(Program::Kubectl)?.display()));
    note(&export(Identity::Admin)?);
    note("  kubectl -n shop get hpao,hpa,deployments");
    note(&format!("  kubectl replace --force -f {}    # the override once more", campaign.display()));
    timeline.chapter("As somebody else, with the rights that he has in the namespace shop:");
    note(&format!("{}    # alice", export(Identity::user(ALICE))?));
    note(&format!("{}    # Git", export(Identity::user(ARGOCD))?));
    timeline.chapter("What is seen is told below. Enter or Ctrl-C ends it.");
    Ok(())
}

/// Returns with the next line on standard input. Where there is none to come, it does not.
async fn enter() {
    let (tell, told) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let read = std::io::stdin().read_line(&mut String::new());
        if read.is_ok_and(|bytes| bytes > 0) {
            let _ = tell.send(());
        }
    });
    if told.await.is_err() {
        std::future::pending::<()>().await;
    }
}
