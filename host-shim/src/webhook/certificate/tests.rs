use std::{env, process};

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
    let mut certificate = Certificate::open(&folder).unwrap();
    let mut config = certificate.config();
    let is_another = |config: &mut watch::Receiver<Arc<ServerConfig>>| {
        let changed = config.has_changed().unwrap();
        config.mark_unchanged();
        changed
    };
    certificate.reload();
    assert!(!is_another(&mut config), "nothing has changed");
    // As a folder is found that is being written.
    write(&folder, [&second.cert, &first.key]);
    certificate.reload();
    assert!(!is_another(&mut config) && certificate.wrong.is_some(), "they do not belong together");
    write(&folder, [&second.cert, "no key"]);
    certificate.reload();
    assert!(certificate.wrong.as_ref().unwrap().contains("tls.key is no PEM of a key"), "{:?}", certificate.wrong);
    write(&folder, [&second.cert, &second.key]);
    certificate.reload();
    assert!(is_another(&mut config) && certificate.wrong.is_none());
    fs::remove_dir_all(&folder).unwrap();
    certificate.reload();
    assert!(!is_another(&mut config) && certificate.wrong.as_ref().unwrap().contains("failed to read"));
    let error = Certificate::open(&folder).err().unwrap();
    assert!(format!("{error:#}").contains("tls.crt"), "{error:#}");
}
