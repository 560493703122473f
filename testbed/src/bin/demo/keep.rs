//! Stays, with the control plane, until somebody has played enough.
//!
//! The programs end with this one, so it stays in the foreground.

use anyhow::Result;
use hpa_override_testbed::assets::{self, Program};
use hpa_override_testbed::{Identity, World};

use crate::shop::{ALICE, ARGOCD};
use crate::timeline::{Timeline, note};

/// Says how to get in.
pub(crate) fn invite(world: &World, timeline: &Timeline) -> Result<()> {
    let file = |identity| world.plane().kubeconfig_file(&identity).map(|file| file.display().to_string());
    timeline.chapter("The control plane stays up. In another terminal:");
    note(&format!("alias kubectl={}", assets::find(Program::Kubectl)?.display()));
    note(&format!("export KUBECONFIG={}", file(Identity::Admin)?));
    note("kubectl -n shop get hpao,hpa,deployments");
    note(&format!("kubectl apply -f {}    # the override again", shown(world, "campaign.yaml")));
    timeline.chapter("As somebody else, with the rights that he has in the namespace shop:");
    note(&format!("export KUBECONFIG={}", file(Identity::user(ALICE))?));
    note(&format!("export KUBECONFIG={}", file(Identity::user(ARGOCD))?));
    timeline.chapter("Enter or Ctrl-C ends it.");
    Ok(())
}

fn shown(world: &World, name: &str) -> String {
    world.plane().folder().join(name).display().to_string()
}

/// Returns with the next line on standard input. Where there is none to come, only a signal ends this.
pub(crate) async fn until_enter() {
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
