"""What each verb becomes in S3's API, and what its answers mean in the model's words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import Any, Final, Self

from dsys_lab.engines.aws.connection import Connection
from dsys_lab.engines.aws.object_store.endpoint import s3
from dsys_lab.engines.aws.services import empty_and_remove
from dsys_lab.errors import BadParameter, Refused
from dsys_lab.stores.object_store import verbs
from dsys_lab.stores.object_store.index import end_of
from dsys_lab.stores.object_store.verbs import (
    PAGE_KEYS_MAX,
    BadParts,
    ConditionFailed,
    Facts,
    Found,
    NoSuchUpload,
    Page,
    Part,
    Upload,
    Version,
)

CONDITIONAL: Final = frozenset({"PutObject", "CompleteMultipartUpload", "DeleteObject"})
ABSENT: Final = frozenset({"NoSuchKey", "404", "NoSuchVersion", "405", "MethodNotAllowed"})
"""What is said where there is no object; 405, where the version that was asked for is a delete marker."""


class S3Bucket:
    """A bucket with the verbs of the model.

    Use it in a `with` block, which removes it with all that is in it.

    Parameters
    ----------
    over : Connection, optional
        Another connection than the one of `s3()`.

    Examples
    --------
    >>> with S3Bucket() as bucket:  # doctest: +SKIP
    ...     bucket.put("pings/17", b"435 minutes")
    ...     bucket.get("pings/17", size_bytes=3).data
    b'435'
    """

    def __init__(self, *, over: Connection | None = None) -> None:
        self._aws = over or s3()
        self.name = self._aws.new_name().replace("_", "-")
        self._call("create_bucket", **_where(self._aws))
        self._aws.made(self.name, partial(empty_and_remove, self._aws.call, self.name))
        tags = [{"Key": key, "Value": value} for key, value in self._aws.tags.items()]
        self._call("put_bucket_tagging", Tagging={"TagSet": tags})

    @property
    def engine(self) -> str:
        """Who answers."""
        return self._aws.engine

    @property
    def client(self) -> Any:
        """boto3's client, for what is no verb: it signs URLs without asking anybody."""
        return self._aws.client("s3")

    # ------------------------------------------------------------ write path
    def put(
        self,
        key: str,
        data: bytes,
        *,
        if_absent: bool = False,
        if_match: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> Facts:
        """Let `key` have these bytes (see `verbs`)."""
        verbs.check_key(key)
        verbs.check_data(data)
        words = verbs.check_metadata(metadata)
        told = self._call("put_object", Key=key, Body=data, Metadata=words, **_condition(if_absent, if_match))
        return Facts(key, len(data), _tag(told), told.get("VersionId", "null"), words)

    def copy(self, source: str, to: str) -> Facts | None:
        """Let `to` have the bytes of `source`, which the store copies itself; None if there is no such object."""
        verbs.check_key(source)
        verbs.check_key(to)
        try:
            self._call("copy_object", Key=to, CopySource={"Bucket": self.name, "Key": source})
        except _Absent:
            return None
        return self.head(to)

    def delete(self, key: str, *, version: str | None = None, if_match: str | None = None) -> None:
        """Let `key` be absent, or take one version of it away for good."""
        verbs.check_key(key)
        verbs.check_version(version)
        given = {} if version is None else {"VersionId": version}
        self._call("delete_object", Key=key, **given, **_condition(False, if_match))

    def keep_versions(self) -> None:
        """From now on, keep every version of every key."""
        self._call("put_bucket_versioning", VersioningConfiguration={"Status": "Enabled"})

    # ------------------------------------------------------------ parts
    def begin_upload(self, key: str, *, metadata: Mapping[str, str] | None = None) -> Upload:
        """Begin an object in parts."""
        verbs.check_key(key)
        told = self._call("create_multipart_upload", Key=key, Metadata=verbs.check_metadata(metadata))
        return Upload(told["UploadId"], key)

    def put_part(self, upload: Upload, number: int, data: bytes) -> Part:
        """Put part `number`, in the place of one that has this number already."""
        verbs.check_part_number(number)
        verbs.check_data(data)
        told = self._call("upload_part", **_upload(upload), PartNumber=number, Body=data)
        return Part(number, _tag(told), len(data))

    def complete(
        self, upload: Upload, parts: Sequence[Part], *, if_absent: bool = False, if_match: str | None = None
    ) -> Facts:
        """Let these parts be the object, all at once."""
        listed = [{"PartNumber": part.number, "ETag": f'"{part.etag}"'} for part in parts]
        if not listed:
            raise BadParts("no parts were listed: list at least one")
        given = {**_upload(upload), "MultipartUpload": {"Parts": listed}}
        self._call("complete_multipart_upload", **given, **_condition(if_absent, if_match))
        found = self.head(upload.key)
        if found is None:
            raise Refused(f"{upload.key!r} was completed, and somebody took it away since")
        return found

    def abort(self, upload: Upload) -> None:
        """Let go of an upload and its parts."""
        self._call("abort_multipart_upload", **_upload(upload))

    def uploads(self) -> tuple[Upload, ...]:
        """Return every upload that is open, in order of their keys."""
        told = self._pages("list_multipart_uploads", "Uploads", "KeyMarker", "UploadIdMarker")
        found = [Upload(one["UploadId"], one["Key"]) for one in told]
        return tuple(sorted(found, key=lambda one: (one.key, one.upload)))

    def parts(self, upload: Upload) -> tuple[Part, ...]:
        """Return the parts of an upload that have come, by number."""
        told = self._pages("list_parts", "Parts", "PartNumberMarker", **_upload(upload))
        return tuple(Part(one["PartNumber"], _tag(one), one["Size"]) for one in told)

    # ------------------------------------------------------------ read path
    def get(
        self, key: str, *, first: int = 0, size_bytes: int | None = None, version: str | None = None
    ) -> Found | None:
        """Return an object, or the range of `size_bytes` from byte `first` on; fewer where it ends."""
        verbs.check_key(key)
        verbs.check_version(version)
        verbs.check_range(first, size_bytes)
        given = {"Key": key} if version is None else {"Key": key, "VersionId": version}
        if first or size_bytes is not None:
            given["Range"] = f"bytes={first}-{'' if size_bytes is None else first + size_bytes - 1}"
        try:
            told = self._call("get_object", **given)
        except _Absent:
            return None
        except _BehindTheEnd:
            known = self.head(key, version=version)
            return None if known is None else _found(known, b"")
        return _found(_facts(key, told), told["Body"].read())

    def head(self, key: str, *, version: str | None = None) -> Facts | None:
        """Return what is known of an object."""
        verbs.check_key(key)
        verbs.check_version(version)
        given = {"Key": key} if version is None else {"Key": key, "VersionId": version}
        try:
            return _facts(key, self._call("head_object", **given))
        except _Absent:
            return None

    def list(self, prefix: str = "", *, delimiter: str = "", after: str = "", limit: int = PAGE_KEYS_MAX) -> Page:
        """Return a page of the keys that begin with `prefix` and come behind `after`."""
        verbs.check_list(prefix, delimiter, after, limit)
        given = {"Prefix": prefix, "Delimiter": delimiter, "StartAfter": after}
        told = self._call("list_objects_v2", MaxKeys=limit, **{name: word for name, word in given.items() if word})
        objects = tuple(Facts(one["Key"], one["Size"], _tag(one), "", {}) for one in told.get("Contents", []))
        folders = tuple(one["Prefix"] for one in told.get("CommonPrefixes", []))
        lasts = [one.key for one in objects[-1:]] + [end_of(folder) for folder in folders[-1:]]
        return Page(objects, folders, max(lasts) if told["IsTruncated"] and lasts else None)

    def versions(self, prefix: str = "") -> tuple[Version, ...]:
        """Return every version of the keys that begin so, the newest of each key first."""
        verbs.check_word("prefix", prefix)
        return tuple(self._versions(prefix))

    def _versions(self, prefix: str) -> Iterator[Version]:
        found: dict[str, list[tuple[Any, Version]]] = {}
        for word in ("Versions", "DeleteMarkers"):
            for one in self._pages("list_object_versions", word, "KeyMarker", "VersionIdMarker", Prefix=prefix):
                told = Version(one["Key"], one["VersionId"], one["IsLatest"], word != "Versions", one.get("Size", 0))
                found.setdefault(told.key, []).append((one["LastModified"], told))
        for key in sorted(found):
            newest_first = sorted(found[key], key=lambda pair: (pair[1].is_latest, pair[0]), reverse=True)
            yield from (told for _, told in newest_first)

    # ------------------------------------------------------------ the wire
    def _call(self, operation: str, **given: Any) -> dict[str, Any]:
        try:
            return self._aws.call("s3", operation, Bucket=self.name, **given)
        except Refused as error:
            raise _in_our_words(error) from error

    def _pages(self, operation: str, word: str, *markers: str, **given: Any) -> Iterator[dict[str, Any]]:
        """Give the entries of every page."""
        marked: dict[str, Any] = {}
        while True:
            told = self._call(operation, **given, **marked)
            yield from told.get(word, [])
            if not told.get("IsTruncated"):
                return
            marked = {name: told[f"Next{name}"] for name in markers if told.get(f"Next{name}")}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._aws.remove(self.name)


class _Absent(Refused):
    """There is no such object."""


class _BehindTheEnd(Refused):
    """The range begins behind the end of the object."""


WORDS: Final[dict[str, type[Refused | BadParameter]]] = {
    **dict.fromkeys(ABSENT, _Absent),
    **dict.fromkeys(("PreconditionFailed", "412"), ConditionFailed),
    **dict.fromkeys(("InvalidRange", "416"), _BehindTheEnd),
    **dict.fromkeys(("EntityTooSmall", "InvalidPart", "InvalidPartOrder", "MalformedXML"), BadParts),
    **dict.fromkeys(("KeyTooLongError", "InvalidArgument", "EntityTooLarge"), BadParameter),
    "NoSuchUpload": NoSuchUpload,
}
"""Which error of ours each code is."""


def _in_our_words(error: Refused) -> Refused | BadParameter:
    """Return the model's error for what the service said."""
    told = getattr(error.__cause__, "response", {})
    code = told.get("Error", {}).get("Code", "")
    is_conditional = getattr(error.__cause__, "operation_name", "") in CONDITIONAL
    if code in ABSENT and is_conditional:
        return ConditionFailed(str(error))
    return WORDS.get(code, type(error))(str(error))


def _where(aws: Connection) -> dict[str, Any]:
    """Return where a bucket is made: every region but the oldest wants to be named."""
    region = aws.client("s3").meta.region_name
    return {} if region in {None, "us-east-1"} else {"CreateBucketConfiguration": {"LocationConstraint": region}}


def _condition(if_absent: bool, if_match: str | None) -> dict[str, str]:
    verbs.check_condition(if_absent, if_match)
    if if_absent:
        return {"IfNoneMatch": "*"}
    return {} if if_match is None else {"IfMatch": f'"{if_match}"'}


def _upload(upload: Upload) -> dict[str, str]:
    if not isinstance(upload, Upload):
        raise NoSuchUpload(f"{upload!r} is not open: begin one, or look at `uploads`")
    return {"Key": upload.key, "UploadId": upload.upload}


def _tag(told: Mapping[str, Any]) -> str:
    return str(told["ETag"]).strip('"')


def _facts(key: str, told: Mapping[str, Any]) -> Facts:
    whole = told.get("ContentRange", "").rpartition("/")[2] or told["ContentLength"]
    return Facts(key, int(whole), _tag(told), told.get("VersionId", "null"), told.get("Metadata", {}))


def _found(known: Facts, data: bytes) -> Found:
    return Found(known.key, known.size_bytes, known.etag, known.version, known.metadata, data)
