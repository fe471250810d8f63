//! AWS Lambda behind API Gateway, with `lambda_http`.

use lambda_http::Error;
use oauth_state_routes::LoginRoutes;

/// Runs the routes as a separate function. If your function also has other paths, call the routes from its handler for
/// requests for which `routes.owns(request.uri().path())` is true.
///
/// `lambda_http` adds the name of the stage to the path, unless the stage is `$default`. With a named stage, also pass
/// it to `mount_at`, or set `AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH`.
///
/// # Errors
///
/// If the Lambda runtime fails.
pub async fn serve(routes: LoginRoutes) -> Result<(), Error> {
    lambda_http::run(routes).await
}
