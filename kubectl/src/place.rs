//! Makes overrides: shows what will happen, asks, writes, waits.

mod effect;
mod look;
mod order;

use std::process::ExitCode;

use serde_json::Value;

use self::{
    effect::{YELLOW, show},
    look::{Place, look},
    order::{DEFAULT_LENGTH, check, objects, wanted},
};
use crate::{
    api::{Answer, Resource},
    cluster::Cluster,
    failure::{Failure, Outcome},
    flags::DryRun,
    objects::text,
    output::resource_name,
    say::{note, say},
    session::{Session, confirm},
    wait,
};

pub use self::order::{Order, OrderArgs, TargetArgs, WindowArgs};

/// Makes the overrides.
pub async fn place(order: &Order, session: &Session) -> Outcome {
    let dry = order.more.dry_run;
    let cluster = match session.cluster().await {
        Ok(cluster) => Some(cluster),
        Err(_) if dry == DryRun::Client => None,
        Err(failure) => return Err(failure),
    };
    let (places, now) = match cluster {
        Some(cluster) => look(order, session, cluster).await?,
        None => (vec![Place::unseen(session.offline_namespace())], session.now()),
    };
    let wanted = wanted(order, session, now)?;
    let namespaces: Vec<&str> = places.iter().map(|place| place.namespace.as_str()).collect();
    let objects = objects(order, &namespaces, &wanted)?;
    for object in &objects {
        check(object, now)?;
    }
    // Each is shown, also behind one that lowers a bound.
    let harmless: Vec<bool> =
        places.iter().zip(&objects).map(|(place, object)| show(place, object, &wanted, session, now)).collect();
    let Some(cluster) = cluster.filter(|_| dry != DryRun::Client) else {
        return report(&order.more, objects, " (dry run)");
    };
    let checked = check_on_server(cluster, &objects, order).await?;
    if dry == DryRun::Server {
        return report(&order.more, checked, " (server dry run)");
    }
    let targets: usize = places.iter().map(|place| place.hpas.len()).sum();
    let asks = harmless.contains(&false) || targets != 1 || objects.len() > 1;
    if asks && !order.more.yes && !confirm("Go on?") {
        return Err(Failure::new("nothing was written"));
    }
    let made = make(cluster, &objects).await?;
    report(&order.more, made.clone(), "")?;
    match order.more.wait {
        Some(state) => wait::wait(cluster, &made, state, order.more.timeout).await,
        None => Ok(ExitCode::SUCCESS),
    }
}

/// Has the API server and its admission check them; each warning is shown once.
async fn check_on_server(cluster: &Cluster, objects: &[Value], order: &Order) -> Outcome<Vec<Value>> {
    let (mut checked, mut warnings) = (Vec::new(), Vec::new());
    for object in objects {
        let answer = create(cluster, object, true).await.map_err(|failure| with_length(failure, order))?;
        for warning in answer.warnings {
            if !warnings.contains(&warning) {
                note!("{YELLOW}warning: {warning}{YELLOW:#}");
                warnings.push(warning);
            }
        }
        checked.push(answer.object);
    }
    Ok(checked)
}

/// Where nobody has said how long, the guard may find it too long.
fn with_length(failure: Failure, order: &Order) -> Failure {
    let is_default = order.window.length.is_none() && order.window.until.is_none();
    let is_about_length = failure.message().contains("spec.expiresAt: ");
    if is_default && is_about_length {
        return failure.hint(format!("say how long: --for; without it, it is {DEFAULT_LENGTH}"));
    }
    failure
}

async fn make(cluster: &Cluster, objects: &[Value]) -> Outcome<Vec<Value>> {
    let mut made = Vec::new();
    for object in objects {
        let answer = create(cluster, object, false).await.map_err(|failure| {
            if made.is_empty() { failure } else { failure.while_(format!("{} overrides were made before", made.len())) }
        })?;
        made.push(answer.object);
    }
    Ok(made)
}

async fn create(cluster: &Cluster, object: &Value, dry_run: bool) -> Outcome<Answer> {
    cluster.create(&Resource::overrides(Some(text(object, "/metadata/namespace"))), object, dry_run).await
}

/// Prints what was made.
fn report(more: &OrderArgs, objects: Vec<Value>, how: &str) -> Outcome {
    match &more.output {
        Some(format) => match <[Value; 1]>::try_from(objects) {
            Ok([object]) => format.print(&object)?,
            Err(objects) => format.print_list(&objects)?,
        },
        None => {
            for object in &objects {
                say!("{} created{how}", resource_name(object));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
