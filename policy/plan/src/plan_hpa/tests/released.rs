//! A release while an override is active is not an owner's revert.

use super::*;

const RELEASED: &str = "hpa Released the record was removed and 2-5 restored, as by hpa-override.dev/release; 10-20 is written \
                        again, since shop/black-friday is active: delete or suspend that first";
const NOT_RELEASED: &str = "hpa NotReleased hpa-override.dev/release is removed: no admission has released the HPA; delete the \
                            override, or run `host-shim release-all --hpa shop/web` with the controller scaled to 0";

fn marked(bounds: Value) -> Value {
    let mut marked = with_record(hpa(10, 20), &record());
    marked["spec"] = bounds;
    marked["metadata"]["annotations"][RELEASE_ANNOTATION] = "true".into();
    marked
}

#[rstest]
#[case::alone(pair(10, 20), &[NOT_RELEASED])]
#[case::with_other_bounds(pair(2, 5), &["hpa Reverted `argocd` set the bounds to 2-5; 10-20 is written again", NOT_RELEASED])]
fn a_marker_that_no_admission_honoured_is_removed(#[case] bounds: Value, #[case] expected: &[&str]) {
    let plan = plan(&marked(bounds), &[black_friday()]);
    let annotations = &plan.patch.as_ref().unwrap()["metadata"]["annotations"];
    assert_eq!(annotations.get(RELEASE_ANNOTATION), Some(&Value::Null));
    assert_eq!(events(&plan), expected);
    assert_eq!(plan.is_released, expected.len() == 1, "it delays nothing else");
}

#[test]
fn a_marker_that_asks_for_nothing_makes_no_patch() {
    let mut marked = marked(pair(10, 20));
    marked["metadata"]["annotations"][RELEASE_ANNOTATION] = "false".into();
    assert_eq!(plan(&marked, &[black_friday()]).patch, None);
}

#[test]
fn a_release_by_the_merge_admission_is_no_revert() {
    let plan = remembering(&record()).plan(&hpa(2, 5), &[black_friday()]).admitted();
    assert_eq!(plan.patch.as_ref().unwrap()["spec"], pair(10, 20));
    assert_eq!((plan.reverted_by.as_deref(), plan.is_released), (None, true));
    assert_eq!(events(&plan), [RELEASED]);
}

#[rstest]
#[case::without_a_merge_admission(remembering(&record()).plan(&hpa(2, 5), &[black_friday()]))]
#[case::with_other_bounds(remembering(&record()).plan(&hpa(3, 8), &[black_friday()]).admitted())]
#[case::with_the_record(plan(&with_record(hpa(2, 5), &record()), &[black_friday()]).admitted())]
fn all_else_is_a_revert(#[case] plan: HpaPlan) {
    assert_eq!((plan.reverted_by.as_deref(), plan.is_released), (Some("argocd"), false));
    assert!(events(&plan)[0].starts_with("hpa Reverted"));
}
