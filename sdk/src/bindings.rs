//! The generated side of `wit/`. Generated once, here, so that an author needs neither wit-bindgen nor the WIT files;
//! `export!` only wires a trait to it. The shared types are generated in [`host`] and used by the worlds of all four domains.
//!
//! Nothing in here is part of the SDK's surface except by re-export from the module of a domain.

pub mod host {
    wit_bindgen::generate!({
        inline: "
            package kassa:sdk@0.1.0;

            world host {
                import kassa:types/types@0.1.0;
                import kassa:host/log@0.1.0;
                import kassa:host/settings@0.1.0;
                import kassa:host/kv@0.1.0;
            }
        ",
        path: ["../wit/types/0.1.0", "../wit/host/0.1.0"],
        generate_all,
        generate_unused_types: true,
        additional_derives: [Clone, PartialEq, Eq],
    });
}

pub mod pricing {
    wit_bindgen::generate!({
        world: "kassa:pricing/pricing-plugin",
        path: ["../wit/types/0.1.0", "../wit/host/0.1.0", "../wit/pricing/0.2.0"],
        with: {
            "kassa:types/types@0.1.0": crate::bindings::host::kassa::types::types,
            "kassa:host/log@0.1.0": crate::bindings::host::kassa::host::log,
            "kassa:host/settings@0.1.0": crate::bindings::host::kassa::host::settings,
        },
        additional_derives: [Clone, PartialEq, Eq],
        pub_export_macro: true,
    });
}

pub mod payment {
    wit_bindgen::generate!({
        world: "kassa:payment/payment-plugin",
        path: ["../wit/types/0.1.0", "../wit/host/0.1.0", "../wit/payment/0.1.0"],
        with: {
            "kassa:types/types@0.1.0": crate::bindings::host::kassa::types::types,
            "kassa:host/log@0.1.0": crate::bindings::host::kassa::host::log,
            "kassa:host/settings@0.1.0": crate::bindings::host::kassa::host::settings,
            "kassa:host/kv@0.1.0": crate::bindings::host::kassa::host::kv,
        },
        additional_derives: [Clone, PartialEq, Eq],
        pub_export_macro: true,
    });
}

pub mod delivery {
    wit_bindgen::generate!({
        world: "kassa:delivery/delivery-plugin",
        path: ["../wit/types/0.1.0", "../wit/host/0.1.0", "../wit/delivery/0.1.0"],
        with: {
            "kassa:types/types@0.1.0": crate::bindings::host::kassa::types::types,
            "kassa:host/log@0.1.0": crate::bindings::host::kassa::host::log,
            "kassa:host/settings@0.1.0": crate::bindings::host::kassa::host::settings,
        },
        additional_derives: [Clone, PartialEq, Eq],
        pub_export_macro: true,
    });
}

pub mod notification {
    wit_bindgen::generate!({
        world: "kassa:notification/notification-plugin",
        path: ["../wit/types/0.1.0", "../wit/host/0.1.0", "../wit/notification/0.1.0"],
        with: {
            "kassa:types/types@0.1.0": crate::bindings::host::kassa::types::types,
            "kassa:host/log@0.1.0": crate::bindings::host::kassa::host::log,
            "kassa:host/settings@0.1.0": crate::bindings::host::kassa::host::settings,
        },
        additional_derives: [Clone, PartialEq, Eq],
        pub_export_macro: true,
    });
}

pub mod configurable {
    wit_bindgen::generate!({
        world: "kassa:plugin/configurable-plugin",
        path: "../wit/plugin/0.1.0",
        additional_derives: [Clone, PartialEq, Eq],
        pub_export_macro: true,
    });
}
