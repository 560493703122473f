//! What to do for each reason of a condition. The guide says more: docs/guide.md, "Troubleshooting".

use hpa_override_crd::Reason;

/// What a person can do; none where nothing has to be done.
pub fn remedy(reason: Reason) -> Option<&'static str> {
    Some(match reason {
        Reason::Applied
        | Reason::Pending
        | Reason::Ended
        | Reason::Returning
        | Reason::ReplicasReached
        | Reason::NotActive => return None,
        Reason::PartlyApplied => "look at status.failing: it names the targets where it is not active, and why",
        Reason::Suspended => "kubectl hpa-override resume NAME",
        Reason::Superseded => "end the override that the message names, or raise the priority of this one",
        Reason::Invalid => "correct the fields that the message names",
        Reason::TargetNotFound => "check spec.hpa and spec.namespace; it becomes active once the HPA exists",
        Reason::NoTargets => "check the labels: `kubectl get hpa --show-labels`; it becomes active once one matches",
        Reason::OwnedByController => {
            "change the bounds at that controller's source, in KEDA the ScaledObject; or ask the platform team for \
             overrideOwnedHpas"
        }
        Reason::Contested => {
            "stop the client that the message names from writing the bounds, or have the platform team install the \
             merge admission"
        }
        Reason::Released => "take the annotation hpa-override.dev/release out of the manifest, or end this override",
        Reason::WriteDenied => "another admission policy refuses; its message is verbatim",
        Reason::WriteAltered => "another mutating admission rewrites the bounds: exclude HPAs there",
        Reason::Forbidden => "the controller lacks the right that the message names: apply its RBAC manifests again",
        Reason::DryRun => "the controller runs with --dry-run, and writes no HPA",
        Reason::UnreadableRecord => "kubectl hpa-override release HPA, then check its bounds",
        Reason::LimitExceeded => "correct the fields that the message names, or ask the platform team for more",
        Reason::NamespaceProtected | Reason::CrossNamespaceDenied | Reason::UnguardedNamespace => {
            "create it in a namespace where it is allowed"
        }
        Reason::NotAuthorized => "let a user who may patch the HPA create it, or get that right",
        Reason::TooManyOverrides => "end another override of that HPA, or raise the priority of this one",
        Reason::NoHpaStatus => "`kubectl describe hpa` shows why AbleToScale is not True; it becomes active by itself",
        Reason::ReplicasMissing | Reason::ReplicasAbove => {
            "the message says what to look at; for pods that do not come, `kubectl get events`"
        }
        Reason::ScalingDisabled => "the workload is scaled to 0: scale it to 1 or more",
        Reason::TargetUnreadable => "check the workload that the HPA names",
    })
}

/// The reason with that name.
pub fn reason(name: &str) -> Option<Reason> {
    Reason::ALL.into_iter().find(|reason| reason.as_str() == name)
}
