//! The server's settings as a new store gets them, with comments for whoever opens the file.

use std::net::SocketAddr;

/// The text of `server.toml`.
pub(super) fn text(listen: SocketAddr, response_key_id: &str) -> String {
    format!(
        r#"# Settings of the store server. Paths are relative to this file.

# Where tills and browsers connect. Use 0.0.0.0:8443 to be reached from other machines; the names and addresses
# that they use must be in the certificate (evertill-admin store renew-certificate --server-name NAME).
listen = "{listen}"

# Where the databases are kept. Back this directory up.
data_dir = "data"

# Who this server is. Keys must be readable by the server's own account only (chmod 600).
tls_certificate = "tls.pem"
tls_key = "tls.key"
response_key = "response.key"
response_key_id = "{response_key_id}"
server_keys = "server-keys.json"

# Seals the secrets of accounts at wallets that are kept in the base store (docs/wallet-accounts.md). All servers of the store
# have the same. Keep a copy where the copies of the databases are not: without it no such account opens any more.
account_keys = ["accounts.key"]

# The store and its first people; read when the databases are new.
bootstrap = "bootstrap.json"

# Order groups. A new order goes to any healthy one; its number ends with the group's tag. Never change the tag of
# a group that has orders. Best on different disks.
[[groups]]
tag = 0
file = "groups/00.db"

[[groups]]
tag = 1
file = "groups/01.db"

[[groups]]
tag = 2
file = "groups/02.db"

# The lists and totals of the console come from copies of all orders, in view.db in data_dir. Servers on several
# machines share them in a PostgreSQL database of its own:
#
# [view]
# postgres = {{ hosts = ["db1:5432"], database = "evertill_view", user = "evertill", password_file = "pg.password" }}

# When a group counts as failed: this many failures within the period; the jitter keeps servers from asking a
# group that is coming back all at once.
[group_limits]
call_ms = 1000
failures_per_period = 3
period_ms = 60000
period_jitter_ms = 10000

# WeChat Pay. Without this section and [alipay] the tills take cash only. Take the values from the merchant platform; keep the
# key files readable by the server's own account only.
#
# [wechat]
# endpoints = ["https://api.mch.weixin.qq.com", "https://api2.mch.weixin.qq.com"]
# secure_endpoints = ["https://api.mch.weixin.qq.com", "https://api2.mch.weixin.qq.com"]   # with our certificate
# app_id = "wx0000000000000000"
# merchant_id = "1900000000"
# api_key_file = "wechat/api.key"
# client_certificate = "wechat/apiclient_cert.pem"
# client_key = "wechat/apiclient_key.pem"
# sign_type = "HMAC-SHA256"

# Alipay. Either with the wallet's public key, or with certificates.
#
# [alipay]
# endpoints = ["https://openapi.alipay.com"]   # a spare address may follow
# app_id = "2021000000000000"
# app_private_key = "alipay/app_private_key.pem"
# alipay_public_key = "alipay/alipay_public_key.txt"
# certificates = {{ app = "alipay/appCertPublicKey.crt", root = "alipay/alipayRootCert.crt", alipay = ["alipay/alipayCertPublicKey_RSA2.crt"] }}
"#
    )
}
