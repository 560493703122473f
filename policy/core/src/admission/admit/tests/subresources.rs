//! Writes to subresources leave the record as it is, and nothing else is changed.

use super::*;

#[rstest]
#[case::removed(None)]
#[case::changed(Some("{}".into()))]
fn a_status_write_leaves_the_record(#[case] text: Option<String>) {
    let old = overridden(|_| {});
    let mut new = hpa(7, 7, None);
    new["status"] = json!({"currentReplicas": 4});
    set_annotation(&mut new, RECORD_ANNOTATION, text);
    let mut expected = new.clone();
    expected["metadata"]["annotations"] = old["metadata"]["annotations"].clone();
    let admission = admitted(Some(&old), &new, "system:kube-controller-manager", "status", "2027-01-01T00:00:00Z");
    assert_eq!(admission, without_warning(expected, Audit::new("recordKept")));
}

#[test]
fn a_status_write_brings_no_record() {
    let admission = admitted(Some(&hpa(2, 5, None)), &overridden(|_| {}), "mallory", "status", AS_OF);
    assert_eq!(admission.object, Some(hpa(10, 20, None)));
}

#[test]
fn an_ordinary_status_write_is_let_through() {
    let live = overridden(|_| {});
    assert_eq!(admitted(Some(&live), &live, "anybody", "status", AS_OF), Admission::unchanged());
    assert_eq!(admitted(Some(&live), &hpa(2, 5, None), "anybody", "scale", AS_OF), Admission::unchanged());
}
