"""The fs-args of an `s3://` ref, in the words of s3fs.

Rule: what is not named here stays with the usual AWS chain (environment, profile, role), which the library reads.
"""

from collections.abc import Mapping

from micropkgd.errors import DocumentError
from micropkgd.named_tuples import NamedTuple
from micropkgd.sources.fs_args import flag_at, name_of, refuse_unknown, table_at, text_at

_TEXTS = ("key", "secret", "token", "username", "password", "endpoint_url", "profile")
_FLAGS = ("anon", "use_ssl", "requester_pays")
_TABLES = {
    "client_kwargs": (
        "region_name",
        "endpoint_url",
        "aws_access_key_id",
        "aws_secret_access_key",
        "aws_session_token",
        "aws_account_id",
        "use_ssl",
        "api_version",
    ),
    "config_kwargs": (
        "client_cert",
        "connect_timeout",
        "disable_request_compression",
        "ignore_configured_endpoint_urls",
        "inject_host_prefix",
        "max_pool_connections",
        "proxies",
        "proxies_config",
        "read_timeout",
        "region_name",
        "request_checksum_calculation",
        "response_checksum_validation",
        "retries",
        "s3",
        "signature_version",
        "tcp_keepalive",
        "use_dualstack_endpoint",
        "use_fips_endpoint",
        "user_agent",
        "user_agent_extra",
    ),
    "s3_additional_kwargs": (
        "ACL",
        "ExpectedBucketOwner",
        "RequestPayer",
        "SSECustomerAlgorithm",
        "SSECustomerKey",
        "SSECustomerKeyMD5",
        "SSEKMSKeyId",
        "ServerSideEncryption",
        "StorageClass",
    ),
}
_WITHOUT_EFFECT = (
    "asynchronous",
    "cache_regions",
    "default_block_size",
    "default_cache_type",
    "default_fill_cache",
    "fixed_upload_size",
    "listings_expiry_time",
    "local_expiry_check",
    "max_concurrency",
    "max_paths",
    "skip_instance_cache",
    "use_listings_cache",
    "version_aware",
)


class S3Options(NamedTuple):
    """How to ask one store. Build it with `parse`, which checks."""

    name: str
    arguments: Mapping[str, object]  # for the file system as a whole
    config: Mapping[str, object]  # for its client

    @classmethod
    def parse(cls, given: Mapping[str, object]) -> "S3Options":
        """Read fs-args; `DocumentError` names the key that cannot be honoured."""
        refuse_unknown(given, (*_TEXTS, *_FLAGS, *_TABLES, *_WITHOUT_EFFECT), "fs-args", "no s3 source")
        texts = {key: text_at(given, key) for key in _TEXTS if given.get(key) is not None}
        flags = {key: flag_at(given, key, default=False) for key in _FLAGS if key in given}
        for one, other in (("key", "username"), ("secret", "password")):
            if one in texts and other in texts:
                raise DocumentError(f"fs-args keys `{one}` and `{other}` mean the same")
        tables = {table: _table(given, table) for table in _TABLES}
        config = {key: value for key, value in tables.pop("config_kwargs").items() if key != "retries"}
        return cls(name_of(given), {**texts, **flags, **tables}, config)


def _table(given: Mapping[str, object], key: str) -> dict[str, object]:
    table = table_at(given, key)
    if "verify" in table:
        raise DocumentError(
            f"{key} has the key `verify`, and certificates are always verified",
            hint="name the certificate authority to trust by the environment variable AWS_CA_BUNDLE",
        )
    refuse_unknown(table, _TABLES[key], key, "no s3 source")
    return table
