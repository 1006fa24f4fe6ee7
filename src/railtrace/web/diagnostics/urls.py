"""Addresses of diagnostics."""

from django.urls import path

from railtrace.web.diagnostics import (
    fluids,
    judged,
    ledger,
    plausible,
    pressings,
    recent,
    recordings,
    tyres,
    wheels,
)

urlpatterns = [
    path("", recent.recent, name="diagnostics"),
    path("diagnoses.csv", recent.export, name="diagnoses-csv"),
    path("wheels/", wheels.wheels, name="wheels"),
    path("wheels/<path:unit>/retyre", tyres.retyre, name="retyre"),
    path("wheels/<path:unit>", wheels.wheelset, name="wheelset"),
    path("pressings/", pressings.pressings, name="pressings"),
    path("pressings/<path:id_>", pressings.pressing_page, name="pressing"),
    path("laboratory/", fluids.laboratory, name="laboratory"),
    path("laboratory/file", fluids.take_file, name="analyser-file"),
    path("laboratory/<path:unit>/change", fluids.change, name="fluid-change"),
    path("laboratory/<path:unit>/sample", fluids.sample, name="fluid-sample"),
    path("laboratory/<path:unit>", fluids.engine, name="engine"),
    path("plausibility/", plausible.plausibility, name="plausibility"),
    path("plausibility/answer", plausible.answer, name="answer-suspicion"),
    path("truth/", ledger.ledger, name="truth-ledger"),
    path("truth/failure", ledger.ascribe, name="ascribe-failure"),
    path("judged/<path:id_>", judged.judged, name="judged"),
    path("recordings/<path:id_>/teardown", ledger.teardown, name="teardown"),
    path("recordings/<path:id_>/methods", recordings.methods_fragment, name="recording-methods"),
    path("recordings/<path:id_>/waveform.json", recordings.waveform_json, name="waveform-json"),
    path("recordings/<path:id_>/spectrum.json", recordings.spectrum_json, name="spectrum-json"),
    path("recordings/<path:id_>", recordings.recording_page, name="recording"),
]
