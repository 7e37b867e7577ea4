//! The image registry of a real forge: tokens for a user, scopes that are its own, and repositories that nobody made before.

use flota::{
    model::{
        exit::Exit,
        reference::{Prefix, Reference},
    },
    registry::ChartTag,
};

use super::{forge_server::Forge, put_image, real::packaged_by_hand, registry};

#[test]
fn an_image_and_a_chart_are_pushed_first_and_found_again() {
    let Some(forge) = Forge::start() else { return };
    let (owner, stranger) = (forge.user("owner"), forge.user("stranger"));
    let login = format!("{}:{}", owner.name, owner.token);
    let (friend, _folder) = registry(&forge.address, Some(&login));
    let layout = tempfile::tempdir().unwrap();
    let image = put_image(layout.path(), &vec![7; 3 << 20]);
    let name = |text: &str| Reference::parse(&format!("{}/{text}", forge.address)).unwrap();
    let names = ["owner/shop/web:code-0123456789ab", "owner/shop/web:pr-12"].map(name);

    assert_eq!(friend.resolve(&names[0]).unwrap(), None);
    for _ in 0..2 {
        friend.push_layout(layout.path(), &image, &names).unwrap();
    }
    for name in &names {
        assert_eq!(friend.resolve(name).unwrap().as_ref(), Some(&image));
    }
    assert_eq!(
        friend.tag(&names[0], &["stable".to_owned()]).unwrap(),
        image
    );
    assert_eq!(
        friend
            .resolve(&name("owner/shop/web:stable"))
            .unwrap()
            .as_ref(),
        Some(&image)
    );

    let package = packaged_by_hand(layout.path());
    let charts = Prefix::parse(&format!("oci://{}/owner/charts", forge.address)).unwrap();
    let pushed = friend
        .push_chart(&package, &charts, ChartTag::Identity)
        .unwrap()
        .reference;
    let tagged = pushed.with_tag("1.2.3").unwrap();
    assert_eq!(friend.resolve(&tagged).unwrap().as_deref(), pushed.digest());

    // It is named without what it is logged in with.
    let logins = [
        None,
        Some(format!("{}:wrong-secret", owner.name)),
        Some(format!("{}:{}", stranger.name, stranger.token)),
        Some(format!(
            "{}:{}",
            owner.name,
            forge.token("owner", "read:package")
        )),
    ];
    for login in logins {
        let (other, _folder) = registry(&forge.address, login.as_deref());
        let new = name("owner/shop/web:theirs");
        let error = other
            .push_layout(layout.path(), &image, std::slice::from_ref(&new))
            .unwrap_err();
        assert_eq!(error.exit(), Exit::Unavailable, "{login:?}: {error}");
        assert_eq!(
            error.hints(),
            [format!("docker login {}", forge.address)],
            "{login:?}"
        );
        if let Some((_, secret)) = login.as_deref().and_then(|login| login.split_once(':')) {
            assert!(
                !super::whole(&error).contains(secret),
                "{}",
                super::whole(&error)
            );
        }
        assert_eq!(friend.resolve(&new).unwrap(), None, "{login:?}");
    }
}
