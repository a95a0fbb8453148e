//! Carries requests out over the network, in the background.

use super::request::{Answer, NetError, PaymentQuestion, Request};
use evertill_provisioning::client::{ClientError, StoreClient};
use evertill_shared::id::Attempt;
use evertill_shared::order_number::OrderNumber;
use evertill_shared::protocol::catalogue::KNOWS_SERIALS;
use evertill_shared::protocol::path;
use evertill_shared::protocol::till_staff::KNOWS_CARDS;

/// Asks, and waits for the answer or for its absence. Nothing is sent a second time here.
pub async fn perform(client: &StoreClient, request: Request) -> Answer {
    match request {
        Request::Heartbeat => Answer::Heartbeat(client.get(path::TERMINAL, "").await.map_err(net)),
        Request::Catalogue { since, of, at } => {
            let name = of.map_or_else(String::new, |name| format!("&of={name}"));
            let place = at.map_or_else(String::new, |place| format!("&at={place}{KNOWS_SERIALS}"));
            let query = format!("since={since}{name}{place}");
            Answer::Catalogue(client.get(path::CATALOGUE, &query).await.map_err(net))
        }
        Request::Staff { since } => Answer::Staff(
            client.get(path::TILL_STAFF, &format!("since={since}{KNOWS_CARDS}")).await.map_err(net),
        ),
        Request::ReceiptTemplate => {
            Answer::ReceiptTemplate(client.get(path::RECEIPT_TEMPLATE, "").await.map_err(net))
        }
        Request::Pictures => Answer::Pictures(client.get(path::PICTURES, "").await.map_err(net)),
        Request::Picture { name } => {
            let result = client.get(&path::PICTURE.replace("{name}", &name), "").await.map_err(net);
            Answer::Picture { name, result }
        }
        Request::Draft { sale, body } => {
            Answer::Draft { sale, result: client.post(path::DRAFTS, &*body).await.map_err(net) }
        }
        Request::Adopt { sale, number, body } => {
            let result = client.post(&of_order(path::ADOPT, number), &*body).await.map_err(net);
            Answer::Adopt { sale, result }
        }
        Request::Pay { sale, attempt, number, body } => {
            let result = client.post_payment(&of_order(path::PAYMENTS, number), &*body).await.map_err(net);
            Answer::Payment { sale, attempt, question: PaymentQuestion::Pay, result }
        }
        Request::ShowCode { sale, attempt, number, body } => {
            let result = client.post_payment(&of_order(path::SHOWN, number), &*body).await.map_err(net);
            Answer::Payment { sale, attempt, question: PaymentQuestion::Pay, result }
        }
        Request::AskPayment { sale, attempt, number } => {
            let result = client.get(&of_attempt(path::PAYMENT, number, attempt), "").await.map_err(net);
            Answer::Payment { sale, attempt, question: PaymentQuestion::Ask, result }
        }
        Request::TakeBack { sale, attempt, number, body } => {
            let path = of_attempt(path::TAKE_BACK, number, attempt);
            let result = client.post_payment(&path, &*body).await.map_err(net);
            Answer::Payment { sale, attempt, question: PaymentQuestion::TakeBack, result }
        }
        Request::HandIn { body } => Answer::HandIn(client.post(path::JOURNAL, &body).await.map_err(net)),
        Request::Countersign { body } => Answer::Countersign(client.countersign(&body).await.map_err(net)),
        Request::Refunds => Answer::Refunds(client.get(path::REFUNDS, "").await.map_err(net)),
        Request::AskRefund { number, request, body } => {
            let result = client.post_payment(&of_order(path::ASK_REFUND, number), &*body).await.map_err(net);
            Answer::AskRefund { number, request, result }
        }
        Request::AskWaiting { number, request, body } => {
            let result = client.post(&of_order(path::ASK_REFUND, number), &*body).await.map_err(net);
            Answer::Waiting { number, request, result }
        }
        Request::CarryOutRefund { refund, number, body } => {
            let path = of_order(path::REFUND, number).replace("{refund}", &refund.0);
            let result = client.post_payment(&path, &*body).await.map_err(net);
            Answer::CarryOutRefund { refund, result }
        }
    }
}

fn of_order(template: &str, number: OrderNumber) -> String {
    template.replace("{number}", number.as_str())
}

fn of_attempt(template: &str, number: OrderNumber, attempt: Attempt) -> String {
    of_order(template, number).replace("{attempt}", &attempt.to_string())
}

/// What a client's error means for the till. Whoever did not prove to be the store's server said nothing.
fn net(error: ClientError) -> NetError {
    match error {
        ClientError::Unreachable(why) | ClientError::Misconfigured(why) => NetError::NotSent(why),
        ClientError::NoAnswer(why) => NetError::NoAnswer(why),
        ClientError::Untrusted(why) | ClientError::BadAnswer(why) => NetError::Untrusted(why),
        ClientError::Api(error) => NetError::Refused(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_filled_in() {
        let at = evertill_shared::clock::Timestamp(1_763_647_387_123);
        let number = OrderNumber::new(at, 48_151, 92.try_into().unwrap()).unwrap();
        let path = of_attempt(path::TAKE_BACK, number, 2);
        assert_eq!(path, format!("/v1/orders/{number}/payments/2/take-back"));
        assert!(!path.contains('{'));
    }

    #[test]
    fn only_a_server_that_proved_itself_can_refuse() {
        assert!(net(ClientError::Untrusted("x".into())).is_no_answer());
        assert!(net(ClientError::BadAnswer("x".into())).is_no_answer());
        assert!(matches!(net(ClientError::Unreachable("x".into())), NetError::NotSent(_)));
    }
}
