//! My second factor, and logging in with it.

use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::SessionBody;
use crate::Shop;
use crate::accounts::{self, Challenge, Device, Enrolment, Proof, password};
use crate::clock::Moment;
use crate::http::auth::SignedIn;
use crate::http::extract::{Checks, Json};
use crate::problem::{Problem, ProblemSchema};

const MAX_CODE_CHARS: usize = 64;
const MAX_CHALLENGE_CHARS: usize = 256;

/// My password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MyPasswordBody {
    #[schema(example = "correct horse battery staple", min_length = 1, max_length = 256)]
    password: String,
}

/// The first code of the app.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FirstCodeBody {
    #[schema(example = "287082", min_length = 1, max_length = 64)]
    code: String,
}

/// My password, and a code of the app or, where that is lost, a recovery code: one of the two.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BothFactorsBody {
    #[schema(example = "correct horse battery staple", min_length = 1, max_length = 256)]
    password: String,
    #[schema(example = "287082", min_length = 1, max_length = 64)]
    code: Option<String>,
    #[schema(example = "k7n2-m4pq-rs8t-vwx9", min_length = 1, max_length = 64)]
    recovery_code: Option<String>,
}

/// A login that goes on with a code of the app or, where that is lost, a recovery code: one of the two.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChallengeAnswerBody {
    /// Of the login.
    #[schema(example = "8xGfM0T4Yw1w0mJHkQy1l3mCwF2b6rX9aZcVdNeSuQk", min_length = 1, max_length = 256)]
    challenge: String,
    #[schema(example = "287082", min_length = 1, max_length = 64)]
    code: Option<String>,
    #[schema(example = "k7n2-m4pq-rs8t-vwx9", min_length = 1, max_length = 64)]
    recovery_code: Option<String>,
}

/// Half a login: the password was right.
#[derive(Serialize, ToSchema)]
pub struct ChallengeBody {
    /// Always true: here it is read by those who expect tokens.
    second_factor_required: bool,
    /// Good for `POST /v1/auth/second-factor`, and for nothing else.
    #[schema(example = "8xGfM0T4Yw1w0mJHkQy1l3mCwF2b6rX9aZcVdNeSuQk")]
    challenge: String,
    /// Seconds.
    #[schema(example = 600)]
    expires_in: u64,
}

/// What the authenticator app needs to know.
#[derive(Serialize, ToSchema)]
pub struct EnrolmentBody {
    /// For whoever types it: base32.
    #[schema(example = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")]
    secret: String,
    /// For a QR code.
    #[schema(example = "otpauth://totp/Kassa:ada@example.org?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Kassa")]
    otpauth_uri: String,
}

/// Recovery codes, shown here and never again. Each is good once.
#[derive(Serialize, ToSchema)]
pub struct RecoveryCodesBody {
    #[schema(example = json!(["k7n2-m4pq-rs8t-vwx9"]))]
    recovery_codes: Vec<String>,
}

/// My second factor.
#[derive(Serialize, ToSchema)]
pub struct SecondFactorBody {
    enabled: bool,
    /// Since when; null where there is none.
    #[schema(value_type = Option<String>, format = DateTime)]
    enabled_at: Option<Moment>,
    /// Recovery codes that were not used.
    #[schema(example = 10)]
    recovery_codes_left: i64,
}

impl From<Challenge> for ChallengeBody {
    fn from(challenge: Challenge) -> Self {
        let Challenge { token, expires_in_seconds } = challenge;
        Self { second_factor_required: true, challenge: token, expires_in: expires_in_seconds }
    }
}

impl MyPasswordBody {
    fn check(self) -> Result<String, Problem> {
        let mut checks = Checks::default();
        check_password(&mut checks, &self.password);
        checks.done().map(|()| self.password)
    }
}

impl FirstCodeBody {
    fn check(self) -> Result<String, Problem> {
        let mut checks = Checks::default();
        check_code(&mut checks, &self.code, "/code");
        checks.done().map(|()| self.code)
    }
}

impl BothFactorsBody {
    fn check(self) -> Result<(String, Proof), Problem> {
        let mut checks = Checks::default();
        check_password(&mut checks, &self.password);
        let proof = check_proof(&mut checks, self.code, self.recovery_code);
        checks.done().map(|()| (self.password, proof))
    }
}

impl ChallengeAnswerBody {
    fn check(self) -> Result<(String, Proof), Problem> {
        let mut checks = Checks::default();
        let fine = (1..=MAX_CHALLENGE_CHARS).contains(&self.challenge.chars().count());
        checks.require(fine, "/challenge", "must be 1 to 256 characters");
        let proof = check_proof(&mut checks, self.code, self.recovery_code);
        checks.done().map(|()| (self.challenge, proof))
    }
}

fn check_password(checks: &mut Checks, text: &str) {
    let fine = (1..=password::MAX_CHARS).contains(&text.chars().count());
    checks.require(fine, "/password", "must be 1 to 256 characters");
}

fn check_code(checks: &mut Checks, text: &str, pointer: &str) {
    let fine = (1..=MAX_CODE_CHARS).contains(&text.chars().count());
    checks.require(fine, pointer, "must be 1 to 64 characters");
}

fn check_proof(checks: &mut Checks, code: Option<String>, recovery_code: Option<String>) -> Proof {
    match (code, recovery_code) {
        (Some(code), None) => {
            check_code(checks, &code, "/code");
            Proof::Code(code)
        }
        (None, Some(code)) => {
            check_code(checks, &code, "/recovery_code");
            Proof::RecoveryCode(code)
        }
        _ => {
            checks.require(false, "/code", "send either code or recovery_code");
            Proof::Code(String::new())
        }
    }
}

/// Finish a login that asked for a second factor
///
/// A challenge allows `accounts.challenge_attempts` answers; wrong codes for one account make it wait, as wrong passwords do. A code is
/// good once.
#[utoipa::path(post, path = "/v1/auth/second-factor", tag = "accounts", operation_id = "answer_challenge",
    request_body = ChallengeAnswerBody, responses(
    (status = 200, body = SessionBody),
    (status = 422, description = "`invalid-code`: wrong, used or out of date; `invalid-challenge`: log in again", body = ProblemSchema)
))]
pub async fn answer_challenge(
    State(shop): State<Shop>,
    device: Device,
    Json(body): Json<ChallengeAnswerBody>,
) -> Result<axum::Json<SessionBody>, Problem> {
    let (challenge, proof) = body.check()?;
    Ok(axum::Json(accounts::answer_challenge(&shop, &challenge, &proof, &device).await?.into()))
}

/// My second factor, if I have one
#[utoipa::path(get, path = "/v1/me/second-factor", tag = "accounts", operation_id = "get_second_factor", security(("bearer" = [])),
    responses((status = 200, body = SecondFactorBody)))]
pub async fn get_second_factor(
    State(shop): State<Shop>,
    SignedIn(identity): SignedIn,
) -> Result<axum::Json<SecondFactorBody>, Problem> {
    let factor = accounts::second_factor_of(&shop, identity.customer_id).await?;
    Ok(axum::Json(SecondFactorBody {
        enabled: factor.is_some(),
        enabled_at: factor.map(|factor| factor.confirmed_at),
        recovery_codes_left: factor.map_or(0, |factor| factor.recovery_codes_left),
    }))
}

/// Begin with a second factor
///
/// Answers what an authenticator app needs: codes of six digits by SHA-1, a new one every 30 seconds. Nothing asks for a code before
/// `POST /v1/me/second-factor/confirm`; begun again before then, the secret of before is worth nothing.
#[utoipa::path(post, path = "/v1/me/second-factor", tag = "accounts", operation_id = "begin_second_factor",
    security(("bearer" = [])), request_body = MyPasswordBody, responses(
    (status = 201, body = EnrolmentBody),
    (status = 401, description = "`invalid-credentials`", body = ProblemSchema),
    (status = 409, description = "`second-factor-exists`: remove it first", body = ProblemSchema)
))]
pub async fn begin_second_factor(
    State(shop): State<Shop>,
    SignedIn(identity): SignedIn,
    Json(body): Json<MyPasswordBody>,
) -> Result<(StatusCode, axum::Json<EnrolmentBody>), Problem> {
    let Enrolment { secret, uri } = accounts::begin_second_factor(&shop, &identity, &body.check()?).await?;
    Ok((StatusCode::CREATED, axum::Json(EnrolmentBody { secret, otpauth_uri: uri })))
}

/// Confirm my second factor with the first code of the app
///
/// Logins ask for a code from now on. Ten recovery codes are shown, this once, and my other sessions end.
#[utoipa::path(post, path = "/v1/me/second-factor/confirm", tag = "accounts", operation_id = "confirm_second_factor",
    security(("bearer" = [])), request_body = FirstCodeBody, responses(
    (status = 200, body = RecoveryCodesBody),
    (status = 404, description = "`not-found`: it was not begun", body = ProblemSchema),
    (status = 409, description = "`second-factor-exists`: it was confirmed before", body = ProblemSchema),
    (status = 422, description = "`invalid-code`", body = ProblemSchema)
))]
pub async fn confirm_second_factor(
    State(shop): State<Shop>,
    SignedIn(identity): SignedIn,
    Json(body): Json<FirstCodeBody>,
) -> Result<axum::Json<RecoveryCodesBody>, Problem> {
    let recovery_codes = accounts::confirm_second_factor(&shop, &identity, &body.check()?).await?;
    Ok(axum::Json(RecoveryCodesBody { recovery_codes }))
}

/// Remove my second factor
#[utoipa::path(delete, path = "/v1/me/second-factor", tag = "accounts", operation_id = "remove_second_factor",
    security(("bearer" = [])), request_body = BothFactorsBody, responses(
    (status = 204, description = "Logins ask for the password alone"),
    (status = 401, description = "`invalid-credentials`", body = ProblemSchema),
    (status = 404, description = "`not-found`: there is none", body = ProblemSchema),
    (status = 422, description = "`invalid-code`", body = ProblemSchema)
))]
pub async fn remove_second_factor(
    State(shop): State<Shop>,
    SignedIn(identity): SignedIn,
    Json(body): Json<BothFactorsBody>,
) -> Result<StatusCode, Problem> {
    let (password, proof) = body.check()?;
    accounts::remove_second_factor(&shop, &identity, &password, &proof).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Make new recovery codes; those of before are worth nothing
#[utoipa::path(post, path = "/v1/me/second-factor/recovery-codes", tag = "accounts", operation_id = "renew_recovery_codes",
    security(("bearer" = [])), request_body = BothFactorsBody, responses(
    (status = 201, body = RecoveryCodesBody),
    (status = 401, description = "`invalid-credentials`", body = ProblemSchema),
    (status = 404, description = "`not-found`: there is no second factor", body = ProblemSchema),
    (status = 422, description = "`invalid-code`", body = ProblemSchema)
))]
pub async fn renew_recovery_codes(
    State(shop): State<Shop>,
    SignedIn(identity): SignedIn,
    Json(body): Json<BothFactorsBody>,
) -> Result<(StatusCode, axum::Json<RecoveryCodesBody>), Problem> {
    let (password, proof) = body.check()?;
    let recovery_codes = accounts::renew_recovery_codes(&shop, &identity, &password, &proof).await?;
    Ok((StatusCode::CREATED, axum::Json(RecoveryCodesBody { recovery_codes })))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::wrong;
    use super::*;

    #[test]
    fn one_of_two_codes_is_sent() {
        for (body, pointers) in [
            (json!({ "password": "x", "code": "287082" }), vec![]),
            (json!({ "password": "x", "recovery_code": "k7n2-m4pq-rs8t-vwx9" }), vec![]),
            (json!({ "password": "x" }), vec!["/code"]),
            (json!({ "password": "", "code": "287082", "recovery_code": "k7n2" }), vec!["/password", "/code"]),
            (json!({ "password": "x", "recovery_code": "" }), vec!["/recovery_code"]),
            (json!({ "password": "x", "code": "1".repeat(65) }), vec!["/code"]),
        ] {
            assert_eq!(wrong(&body, BothFactorsBody::check), pointers, "{body}");
        }
    }
}
