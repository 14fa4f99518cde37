"""A server that speaks MongoDB's protocol: MongoDB itself, Amazon DocumentDB, FerretDB, or DocumentDB for PostgreSQL.

None is started here, for none comes as a wheel. `DSYS_LAB_MONGODB=mongodb://host:27017` names one of yours; the client
is an extra, `pip install 'dsys_lab[mongodb]'`. Each `MongoDocuments` is a collection of its own in the database
`dsys_lab`, and goes when it is closed. Without a server all this is skipped, by name.

The verbs are those of `stores.document_store`; filters and updates are handed on as they stand, for they are
MongoDB's. `explain` reads the server's `executionStats` back as our `Explained`.

Sources: MongoDB manual, "Explain results"; PyMongo documentation; Amazon DocumentDB Developer Guide, "Supported APIs".
"""

from dsys_lab.engines.mongodb.documents import MONGODB_DIFFERENCES, SETTING, MongoDocuments, explained

__all__ = ["MONGODB_DIFFERENCES", "SETTING", "MongoDocuments", "explained"]
