use super::*;

const SOURCE: &str = "\
# About this file.
#
# More about it.
protectedNamespaces: [kube-system]  # why
# requireReason: false
# overrideOwnedHpas: false   # HPAs
# The user, and what happens
# where this is wrong.
controllerUser: somebody
";

const GUARD: &str = "\
# The guard.
apiVersion: policies.kubewarden.io/v1
kind: ClusterAdmissionPolicy
metadata:
  name: guard
spec:
  module: registry://registry.example.com/module:v0.0.1
  # Kept.
  failurePolicy: Fail
  # Dropped with
  # its line.
  allowInsideAdmissionControllerNamespace: true
  # Kept, too.
  settings:
    old: true
";

#[test]
fn settings_and_module_are_replaced_and_the_rest_is_kept() {
    let written = finished(GUARD, "registry://new:v1.2.3", "a: 1\n\n# b: 2\n").unwrap();
    let expected = GUARD.replace("registry.example.com/module:v0.0.1", "new:v1.2.3");
    assert_eq!(written, expected.replace("    old: true\n", "    a: 1\n\n    # b: 2\n"));
    assert_eq!(finished(&written, "registry://new:v1.2.3", "a: 1\n\n# b: 2\n").unwrap(), written);
}

#[test]
fn what_a_file_says_about_itself_is_left_out() {
    assert!(body(SOURCE).starts_with("protectedNamespaces: [kube-system]  # why\n# requireReason: false\n"));
    assert!(body(SOURCE).ends_with("controllerUser: somebody\n"));
}

#[test]
fn the_merge_has_the_controller_user_with_its_comment() {
    let expected = "# The user, and what happens\n# where this is wrong.\ncontrollerUser: somebody\n";
    assert_eq!(controller_user(SOURCE).unwrap(), expected);
    let error = controller_user("protectedNamespaces: []\n").unwrap_err();
    assert_eq!(error.to_string(), "settings.yaml has no controllerUser");
}

#[test]
fn for_one_namespace_is_an_admission_policy_without_what_that_lacks() {
    let expected = "\
apiVersion: policies.kubewarden.io/v1
kind: AdmissionPolicy
metadata:
  name: guard
  namespace: shop
spec:
  module: registry://registry.example.com/module:v0.0.1
  # Kept.
  failurePolicy: Fail
  # Kept, too.
  settings:
    old: true
";
    assert_eq!(for_one_namespace(GUARD).unwrap(), expected);
}

#[test]
fn a_policy_without_settings_or_module_is_an_error() {
    let error = finished("kind: ClusterAdmissionPolicy\n", "", "").unwrap_err();
    assert_eq!(error.to_string(), "it has no line `  settings:`");
    let error = finished("kind: ClusterAdmissionPolicy\nspec:\n  settings:\n", "", "").unwrap_err();
    assert_eq!(error.to_string(), "it does not have one line `  module: …`");
}
