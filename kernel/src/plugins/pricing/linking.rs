//! A pricing component as it is called, in the words of its version of the contract.

use std::sync::atomic::{AtomicBool, Ordering};

use wasmtime::component::{ComponentExportIndex, Instance, InstancePre, Lift, Lower, TypedFunc};
use wasmtime::{AsContextMut, StoreContextMut};

use super::{Contract, Quote, Request, since_0_1, since_0_2};
use crate::plugins::call::Answer;
use crate::plugins::state::State;

/// A pricing component with its imports resolved.
///
/// What bindgen makes holds the types of every function against the component's anew in each instance: more than half a
/// microsecond of a call that has ten, and pricing is called at every look at a cart. Here it is done once.
pub(in crate::plugins) struct Linking {
    instances: InstancePre<State>,
    contract: Contract,
    price: ComponentExportIndex,
    /// The types of `price` were found to be those of `contract`.
    is_checked: AtomicBool,
}

/// `price` of one version.
type Price<Asked, Answered> = TypedFunc<(Asked,), (Answer<Answered>,)>;

impl Linking {
    /// Finds which version it is of, and sees that the component has what that names.
    pub(in crate::plugins) fn new(instances: InstancePre<State>) -> wasmtime::Result<Self> {
        let component = instances.component();
        let exported = |contract: Contract| Some((contract, component.get_export_index(None, contract.interface())?));
        let Some((contract, interface)) = Contract::ALL.into_iter().find_map(exported) else {
            return Err(wasmtime::format_err!("there is no interface of kassa:pricing that the kernel speaks"));
        };
        let price = component.get_export_index(Some(&interface), "price");
        let missing = || wasmtime::format_err!("there is no function `price` in {}", contract.interface());
        let price = price.ok_or_else(missing)?;
        Ok(Self { instances, contract, price, is_checked: AtomicBool::new(false) })
    }

    /// Makes an instance, and asks it.
    pub(in crate::plugins) async fn price(
        &self,
        mut store: StoreContextMut<'_, State>,
        request: &Request,
    ) -> wasmtime::Result<Answer<Quote>> {
        let instance = self.instances.instantiate_async(&mut store).await?;
        match self.contract {
            Contract::Since0_1 => {
                let price = self.function::<since_0_1::Request<'_>, since_0_1::Quote>(&mut store, &instance)?;
                let (answer,) = price.call_async(&mut store, (request.into(),)).await?;
                Ok(answer.map(Quote::from))
            }
            Contract::Since0_2 => {
                let price = self.function::<since_0_2::Request<'_>, since_0_2::Quote>(&mut store, &instance)?;
                let (answer,) = price.call_async(&mut store, (request.into(),)).await?;
                Ok(answer.map(Quote::from))
            }
        }
    }

    /// Makes an instance, and holds its types against those of its version.
    pub(in crate::plugins) async fn try_out(&self, mut store: StoreContextMut<'_, State>) -> wasmtime::Result<()> {
        let instance = self.instances.instantiate_async(&mut store).await?;
        match self.contract {
            Contract::Since0_1 => _ = self.function::<since_0_1::Request<'_>, since_0_1::Quote>(store, &instance)?,
            Contract::Since0_2 => _ = self.function::<since_0_2::Request<'_>, since_0_2::Quote>(store, &instance)?,
        }
        Ok(())
    }

    /// `price` of an instance of this component. It is asked for with the types of `self.contract`, and no others.
    fn function<Asked: Lower, Answered: Lift>(
        &self,
        mut store: impl AsContextMut<Data = State>,
        instance: &Instance,
    ) -> wasmtime::Result<Price<Asked, Answered>> {
        if !self.is_checked.load(Ordering::Acquire) {
            let price = instance.get_typed_func(&mut store, self.price)?;
            self.is_checked.store(true, Ordering::Release);
            return Ok(price);
        }
        let price = instance.get_func(&mut store, self.price);
        let price = price.ok_or_else(|| wasmtime::format_err!("the instance is of another component"))?;
        // SAFETY: `get_func` finds nothing in an instance of another component (the index knows its own), and for this
        // component `get_typed_func` has found the very types of its version, or `is_checked` were not set. Both callers
        // name the types by that version.
        Ok(unsafe { Price::new_unchecked(price) })
    }
}
