//! `wasi:http` of one call.

use std::pin::Pin;
use std::sync::Arc;

use wasmtime::component::Linker;
use wasmtime_wasi::runtime::AbortOnDropJoinHandle;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView};

use super::exchange::{Exchange, Refused};
use crate::plugins::ledger::Ledger;
use crate::plugins::state::{Reach, State};

/// Links [`super::INTERFACES`].
pub(in crate::plugins) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)
}

/// What a call sends its requests by.
pub(in crate::plugins) struct Wire {
    context: WasiHttpCtx,
    sender: Sender,
}

struct Sender {
    /// None in a domain whose world has no requests.
    reach: Option<Reach>,
    ledger: Arc<Ledger>,
    sent: u32,
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        let wire = self.wire.get_or_insert_with(|| {
            let sender = Sender { reach: self.reach.clone(), ledger: self.ledger.clone(), sent: 0 };
            Box::new(Wire { context: WasiHttpCtx::new(), sender })
        });
        WasiHttpCtxView { ctx: &mut wire.context, hooks: &mut wire.sender, table: &mut self.resources }
    }
}

type Sent = dyn Future<Output = Result<(http::Response<WasiBody>, Box<Carried>), Error>> + Send;
/// What goes on after the answer's head came; here it came whole.
type Carried = dyn Future<Output = Result<(), Error>> + Send;

impl WasiHttpHooks for Sender {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        // Timeouts that the guest wishes are within the kernel's own.
        _options: Option<RequestOptions>,
        _fut: Box<Carried>,
    ) -> Box<Sent> {
        let exchange = Exchange::begin(&request, &self.ledger);
        let Some(reach) = self.reach.clone() else { return refused(exchange, Refused::PureFunction) };
        // On a desk nothing is sent, and what was refused is among the answers.
        if reach.outbound.playback.is_none() {
            if !reach.may_send {
                return refused(exchange, Refused::PureFunction);
            }
            let most = reach.outbound.config.requests;
            if self.sent >= most {
                return refused(exchange, Refused::TooMany(most));
            }
            self.sent += 1;
        }
        let Reach { home, outbound, granted, .. } = reach;
        let carried = home.spawn(async move { exchange.carry(&outbound, &granted, request).await });
        // Dropped with the call: what nobody waits for any more is not waited for.
        let carried = AbortOnDropJoinHandle::from(carried);
        Box::new(async move { Ok((carried.await?, done())) })
    }
}

fn refused(exchange: Exchange, why: Refused) -> Box<Sent> {
    let error = exchange.refuse(why);
    Box::new(async move { Err(error) })
}

fn done() -> Box<Carried> {
    Box::new(Pin::from(Box::new(std::future::ready(Ok(())))))
}
