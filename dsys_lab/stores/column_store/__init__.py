"""placeholder"""
from dsys_lab.stores.column_store.store import ROW_GROUP_ROWS, ColumnStore, Status

__all__ = ["ROW_GROUP_ROWS", "ColumnStore", "Status"]
