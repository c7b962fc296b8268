//! `tidewaiter draw`: present a lot for the plan's draw.

use clap::Args;
use serde_json::{Value, json};
use tidewaiter_words::say;

use super::{
    Failure, Outcome, Place, operate,
    output::{outln, said},
};

/// Options of `tidewaiter draw`.
#[derive(Debug, Args)]
pub(super) struct DrawArgs {
    /// Lot number.
    lot: String,
    /// HS code of the goods.
    #[arg(long)]
    hs: String,
    /// Risk class A, B or C; the plan's default class without it.
    #[arg(long)]
    risk: Option<String>,
    /// Item of the plan; the ones for the HS code without it.
    #[arg(long)]
    item: Option<String>,
    /// Who presents it.
    #[arg(long, env = "TIDEWAITER_OPERATOR")]
    operator: String,
    /// The answer as one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

pub(super) fn draw(args: &DrawArgs) -> Outcome {
    let body = json!({
        "lot": args.lot, "hs": args.hs, "risk": args.risk, "item": args.item, "by": args.operator,
    });
    operate::answered(args.place.running()?, "draws", &body, |answer| {
        if args.json {
            outln!("{answer}");
            return Ok(());
        }
        let drawn = answer.get("drawn").and_then(Value::as_array).cloned().unwrap_or_default();
        if drawn.is_empty() {
            return Err(Failure::environment(said!("draw-nothing")));
        }
        for ticket in &drawn {
            let text = |name: &str| ticket.get(name).and_then(Value::as_str).unwrap_or_default();
            let selected = ticket.get("selected").and_then(Value::as_bool).unwrap_or(false);
            let args = [
                ("lot", (&args.lot).into()),
                ("item", text("item").into()),
                ("ticket", ticket.get("ticket").and_then(Value::as_u64).unwrap_or(0).into()),
                ("class", text("class").into()),
                ("rate", text("rate").into()),
            ];
            let id = if selected { "draw-selected" } else { "draw-not-selected" };
            outln!("{}", say(tidewaiter_console::language(), id, &args));
        }
        Ok(())
    })
}
