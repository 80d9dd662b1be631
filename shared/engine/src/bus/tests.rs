use super::*;

#[test]
fn names_are_words_with_dots_and_confabs_own_are_confabs() {
    for name in ["order.shipped", "shop_2.order.paid", "turn.completed"] {
        assert!(is_name(name), "{name}");
    }
    for name in [
        "",
        "order",
        "Order.paid",
        "order.",
        ".paid",
        "order..paid",
        "order.2x",
        "a b.c",
    ] {
        assert!(!is_name(name), "{name}");
    }
    assert!(OWN.iter().all(|name| is_name(name) && is_own(name)));
    assert!(!is_own("turning.point"));
}
