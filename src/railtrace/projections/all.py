"""Every view, in the order they are shown and rebuilt."""

from railtrace.projections.accident import ACCIDENT
from railtrace.projections.adoption import ADOPTION
from railtrace.projections.campaigns import CAMPAIGNS
from railtrace.projections.claims import CLAIMS
from railtrace.projections.condition import CONDITION
from railtrace.projections.consist import CONSIST
from railtrace.projections.coupling import COUPLING
from railtrace.projections.diagnoses import DIAGNOSES
from railtrace.projections.equipment import EQUIPMENT
from railtrace.projections.failures import FAILURES
from railtrace.projections.fluids import FLUIDS
from railtrace.projections.genealogy import GENEALOGY
from railtrace.projections.introduction import INTRODUCTION
from railtrace.projections.judgements import JUDGEMENTS
from railtrace.projections.last_repairs import LAST_REPAIRS
from railtrace.projections.lists import LISTS
from railtrace.projections.lots import LOTS
from railtrace.projections.maintenance import MAINTENANCE
from railtrace.projections.metrology import METROLOGY
from railtrace.projections.orders import ORDERS
from railtrace.projections.origins import ORIGINS
from railtrace.projections.outside import OUTSIDE
from railtrace.projections.passport import PASSPORT
from railtrace.projections.placement import PLACEMENT
from railtrace.projections.qualifications import QUALIFICATIONS
from railtrace.projections.quality import QUALITY
from railtrace.projections.recall import RECALL
from railtrace.projections.remarks import REMARKS
from railtrace.projections.runs import RUNS
from railtrace.projections.servicing import SERVICING
from railtrace.projections.stock import STOCK
from railtrace.projections.usage import USAGE
from railtrace.projections.wayside import WAYSIDE

VIEWS = (
    ADOPTION,
    PASSPORT,
    GENEALOGY,
    USAGE,
    CONDITION,
    DIAGNOSES,
    FLUIDS,
    RECALL,
    STOCK,
    LISTS,
    LOTS,
    JUDGEMENTS,
    COUPLING,
    LAST_REPAIRS,
    INTRODUCTION,
    EQUIPMENT,
    METROLOGY,
    MAINTENANCE,
    ORDERS,
    QUALIFICATIONS,
    PLACEMENT,
    QUALITY,
    FAILURES,
    CAMPAIGNS,
    REMARKS,
    CLAIMS,
    OUTSIDE,
    CONSIST,
    SERVICING,
    RUNS,
    WAYSIDE,
    ORIGINS,
    ACCIDENT,
)
