use std::{env, mem, process, sync::Arc};

use hpa_override_testbed::server_certificate;

use super::*;

fn write(folder: &Path, [chain, key]: [&str; 2]) {
    fs::write(folder.join(CHAIN), chain).unwrap();
    fs::write(folder.join(KEY), key).unwrap();
}

#[test]
fn another_certificate_is_taken_and_a_wrong_one_is_not() {
    let folder = env::temp_dir().join(format!("hpa-override-certificate-{}", process::id()));
    fs::create_dir_all(&folder).unwrap();
    let [first, second] = [(); 2].map(|()| server_certificate(&[]).unwrap());
    write(&folder, [&first.cert, &first.key]);
    let certificate = Certificate::none();
    let mut files = Files::open(&folder, certificate.clone()).unwrap();
    let mut last = certificate.config().unwrap();
    let mut is_another = || {
        let before = mem::replace(&mut last, certificate.config().unwrap());
        !Arc::ptr_eq(&before, &last)
    };
    files.reload();
    assert!(!is_another(), "nothing has changed");
    // As a folder is found that is being written.
    write(&folder, [&second.cert, &first.key]);
    files.reload();
    assert!(!is_another() && files.wrong.is_some(), "they do not belong together");
    write(&folder, [&second.cert, "no key"]);
    files.reload();
    assert!(files.wrong.as_ref().unwrap().contains("tls.key is no PEM of a key"), "{:?}", files.wrong);
    write(&folder, [&second.cert, &second.key]);
    files.reload();
    assert!(is_another() && files.wrong.is_none());
    fs::remove_dir_all(&folder).unwrap();
    files.reload();
    assert!(!is_another() && files.wrong.as_ref().unwrap().contains("failed to read"));
    let error = Files::open(&folder, Certificate::none()).err().unwrap();
    assert!(format!("{error:#}").contains("tls.crt"), "{error:#}");
}
