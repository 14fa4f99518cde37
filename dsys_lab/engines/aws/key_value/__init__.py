"""DynamoDB itself, through boto3: the verbs of the model, in its API's own words.

Who answers is moto by default: right in what is about *meaning* (conditions, updates, transactions with a reason for
each action, limits, pages, streams) and silent about what is about *load*: it never throttles, its units are a
constant, every read is strong, an index is there at once. What differs is in `DYNAMODB`, printed in the notebook, and
skipped by name in the conformance suite. With `DSYS_LAB_AWS=real` it is DynamoDB, on demand, and the units are its own.

Cost: each verb is one request; a query or scan with a filter is two, for what the filter takes out must be priced.

Sources: Amazon DynamoDB API Reference, read in November 2026; behaviour as measured with moto 5.2.5.
"""

from dsys_lab.engines.aws.key_value.differences import DYNAMODB
from dsys_lab.engines.aws.key_value.drill import drill, pressed
from dsys_lab.engines.aws.key_value.table import DynamoTable

__all__ = ["DYNAMODB", "DynamoTable", "drill", "pressed"]
