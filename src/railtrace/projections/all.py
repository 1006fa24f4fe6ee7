"""Every view, in the order they are shown and rebuilt."""

from railtrace.projections.adoption import ADOPTION
from railtrace.projections.condition import CONDITION
from railtrace.projections.genealogy import GENEALOGY
from railtrace.projections.passport import PASSPORT
from railtrace.projections.recall import RECALL
from railtrace.projections.usage import USAGE

VIEWS = (ADOPTION, PASSPORT, GENEALOGY, USAGE, CONDITION, RECALL)
