"""A lake: a folder or object store of Iceberg or Delta tables, one for each released table, that any engine reads.

`lake` says what every format can, `iceberg` and `delta` do it with the formats' own libraries, and `deliver` is the
order of a delivery, the same for both. What is delivered doesn't belong here (`delivery.delivered`).
"""
