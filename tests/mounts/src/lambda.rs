//! AWS Lambda behind API Gateway, with `lambda_http`.

use lambda_http::Error;
use oauth_state_routes::LoginRoutes;

/// Runs the routes as a function of their own. If your function has other paths as well, call the routes from its handler for
/// those requests for which `routes.owns(request.uri().path())` is true.
///
/// `lambda_http` puts the name of the stage in front of the path, unless the stage is `$default`. With a named stage, pass
/// it to `mount_at` too, or set `AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH`.
///
/// # Errors
///
/// If the Lambda runtime fails.
pub async fn serve(routes: LoginRoutes) -> Result<(), Error> {
    lambda_http::run(routes).await
}
