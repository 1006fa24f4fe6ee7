"""Addresses of crews' remarks, claims and repairs elsewhere; campaigns stand beside what is due."""

from django.urls import path

from railtrace.web.upkeep import away, claims, remarks

urlpatterns = [
    path("remarks/", remarks.remarks, name="remarks"),
    path("remarks/new", remarks.new, name="new-remark"),
    path("remarks/<str:what>", remarks.answer, name="answer-remark"),
    path("claims/", claims.claims, name="claims"),
    path("claims/new", claims.claim_from_defect, name="claim-from-defect"),
    path("claims/warranty/<path:unit>", claims.give_warranty, name="give-warranty"),
    path("claims/<path:unit>/of/<str:name>/say", claims.say, name="say-of-claim"),
    path("claims/<path:unit>/of/<str:name>", claims.claim, name="claim"),
    path("away/", away.away, name="away"),
    path("away/hear", away.hear, name="hear-away"),
    path("away/taken", away.take_over, name="take-over"),
]
