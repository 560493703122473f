//! Stays, with the control plane, until it is ended. The programs end with this one, so it stays in the foreground.

use anyhow::Result;
use hpa_override_testbed::assets::{self, Program};
use hpa_override_testbed::{Identity, World};

use crate::shop::{ALICE, ARGOCD};
use crate::timeline::{chapter, note};

/// Prints how to get in, and returns after Enter or Ctrl-C.
pub(crate) async fn stay(world: &World) -> Result<()> {
    let export = |identity| {
        let file = world.plane().kubeconfig_file(&identity)?;
        anyhow::Ok(format!("  export KUBECONFIG={}", file.display()))
    };
    let campaign = world.plane().folder().join("campaign.yaml");
    chapter("The control plane stays up. In another terminal, as admin:");
    note(&format!("  alias kubectl={}", assets::find(Program::Kubectl)?.display()));
    note(&export(Identity::Admin)?);
    note("  kubectl -n shop get hpao,hpa,deployments");
    note(&format!("  kubectl replace --force -f {}    # the override once more", campaign.display()));
    chapter("As another user, with that user's rights in the namespace shop:");
    note(&format!("{}    # alice", export(Identity::user(ALICE))?));
    note(&format!("{}    # Git", export(Identity::user(ARGOCD))?));
    chapter("What the watches see is printed below. Enter or Ctrl-C ends it.");
    tokio::select! {
        () = enter() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    Ok(())
}

/// Returns with the next line on standard input. Where there is none to come, it does not.
async fn enter() {
    let (sender, line) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let read = std::io::stdin().read_line(&mut String::new());
        if read.is_ok_and(|bytes| bytes > 0) {
            let _ = sender.send(());
        }
    });
    if line.await.is_err() {
        std::future::pending::<()>().await;
    }
}
