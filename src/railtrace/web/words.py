"""The words people read for the words the trace keeps. Catalogue rows bring their own names."""

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

VERDICTS = {
    "fit": _("fit"),
    "doubtful": _("doubtful"),
    "unfit": _("unfit"),
    "unknown": _("unknown"),
}

KINDS = {
    "LogOpened": _("Log opened"),
    "KeyReplaced": _("Key replaced"),
    "KeyCompromised": _("Key compromised"),
    "CatalogueAdopted": _("Catalogue adopted"),
    "Corrected": _("Entry corrected"),
    "ContradictionResolved": _("Contradiction resolved"),
    "Manufactured": _("Manufactured"),
    "Registered": _("Registered"),
    "Commissioned": _("Commissioned"),
    "MarkingChanged": _("Marking changed"),
    "Installed": _("Installed"),
    "Removed": _("Removed"),
    "LocationReported": _("Location reported"),
    "Ran": _("Run"),
    "MeterRead": _("Meter read"),
    "MeterReplaced": _("Meter replaced"),
    "ModeViolated": _("Rule of use violated"),
    "Washed": _("Washed"),
    "Inspected": _("Inspected"),
    "Measured": _("Measured"),
    "Tested": _("Tested"),
    "Diagnosed": _("Diagnosed"),
    "EvidenceDiagnosed": _("Evidence judged"),
    "TornDown": _("Opened and looked into"),
    "FailureAscribed": _("Failure ascribed"),
    "SuspicionAnswered": _("Suspicion answered"),
    "FluidSampled": _("Fluid sampled"),
    "FluidChanged": _("Fluid changed"),
    "Retyred": _("Re-tyred"),
    "Reprofiled": _("Reprofiled"),
    "EnteredRepair": _("Entered repair"),
    "LeftRepair": _("Left repair"),
    "Repaired": _("Repaired"),
    "DefectFound": _("Defect found"),
    "DefectClosed": _("Defect closed"),
    "Failed": _("Failed"),
    "Held": _("Put on hold"),
    "HoldLifted": _("Hold lifted"),
    "RecallOpened": _("Recall opened"),
    "RecallClosed": _("Recall closed"),
    "Condemned": _("Condemned"),
    "WrittenOff": _("Written off"),
    "Released": _("Released"),
    "ReleaseRefused": _("Release refused"),
    "PartStored": _("Put into store"),
    "PartIssued": _("Issued from store"),
    "PartReserved": _("Reserved"),
    "ReservationLifted": _("Reservation lifted"),
    "PartAccepted": _("Acceptance"),
    "SendingListOpened": _("Sending list begun"),
    "PartSent": _("Sent out"),
    "PartReturned": _("Came back"),
    "PartExchanged": _("Came in exchange"),
    "SendingListClosed": _("Sending list closed"),
    "PartLent": _("Lent"),
    "PartBorrowed": _("Borrowed"),
    "LoanEnded": _("Loan ended"),
    "Formed": _("Formed"),
    "Disbanded": _("Disbanded"),
    "Cannibalised": _("Taken from one for another"),
    "DebtClosed": _("Debt closed"),
    "LotReceived": _("Lot received"),
    "LotIssued": _("Issued from a lot"),
    "LotCounted": _("Lot counted"),
    "TwinsJudged": _("Twins judged"),
    "MachineRegistered": _("Machine registered"),
    "MachineResult": _("Machine result"),
    "StateChanged": _("State changed"),
    "HolderChanged": _("Holder changed"),
    "SectionsCoupled": _("Sections coupled"),
    "SectionsUncoupled": _("Sections uncoupled"),
    "Restricted": _("Restricted"),
    "RestrictionLifted": _("Restriction lifted"),
    "Permitted": _("Permitted"),
    "PermissionEnded": _("Permission ended"),
    "LastRepairStated": _("Last repair stated"),
    "GateIntroduced": _("Gate in introduction"),
    "GuestSeen": _("Guest seen"),
    "ResultSealed": _("Result sealed"),
    "Verified": _("Verified"),
    "Calibrated": _("Calibrated"),
    "InstrumentWithdrawn": _("Instrument withdrawn"),
    "OrderOpened": _("Work order opened"),
    "OrderClosed": _("Work order closed"),
    "OrderBlocked": _("Work stopped"),
    "OrderUnblocked": _("Work goes on"),
    "StepDone": _("Step done"),
    "StepAccepted": _("Step accepted"),
    "StepReturned": _("Step sent back"),
    "ProofLoaded": _("Proof loads applied"),
    "FindingTriaged": _("Finding looked at"),
    "Placed": _("Placed on a track"),
    "PlacePlanned": _("Place planned"),
    "TrackLeft": _("Left the track"),
    "QualificationGranted": _("Qualification granted"),
    "QualificationWithdrawn": _("Qualification withdrawn"),
    "SigningKeyNamed": _("Signing key named"),
    "SigningKeyWithdrawn": _("Signing key withdrawn"),
    "PermitIssued": _("Permit to work issued"),
    "PermitClosed": _("Permit to work closed"),
    "ShiftHandedOver": _("Shift handed over"),
    "ProgrammeChosen": _("Programme chosen"),
    "PaperIssued": _("Paper issued"),
    "LifeExtended": _("Service life extended"),
    "RecorderRead": _("Recorder file read"),
    "CampaignOpened": _("Campaign opened"),
    "CampaignJoined": _("Taken into a campaign"),
    "CampaignDone": _("Done in a campaign"),
    "CampaignLeft": _("Taken out of a campaign"),
    "CampaignClosed": _("Campaign closed"),
    "RemarkMade": _("Crew remark"),
    "RemarkAccepted": _("Remark taken over"),
    "RemarkDone": _("Remark done"),
    "RemarkCarriedOver": _("Remark carried over"),
    "WarrantyGiven": _("Warranty given"),
    "WarrantyUntilWork": _("Warranty given until the next work"),
    "ClaimOpened": _("Claim sent"),
    "ClaimAnswered": _("Claim answered"),
    "ClaimDisputed": _("Answer disputed"),
    "ClaimClosed": _("Claim closed"),
    "SentForRepair": _("Sent for repair elsewhere"),
    "RepairProgressed": _("Repair elsewhere goes on"),
    "AcceptedFromRepair": _("Looked at on return from repair"),
    "ConsistComposed": _("Consist composed"),
    "ConsistChanged": _("Composition changed"),
    "ConsistSigned": _("Consist signed"),
    "JointsChecked": _("Joints looked at"),
    "BrakeTested": _("Brakes tested"),
    "ConsistDeparted": _("Train departed"),
    "UnitDetached": _("Uncoupled from the train"),
    "ConsistClosed": _("Trip closed"),
    "Serviced": _("Serviced"),
    "RunRecorded": _("Run record"),
    "WaysideAlarmed": _("Alarm of a wayside device"),
    "AlarmChecked": _("Alarm checked"),
    "AccidentDeclared": _("Accident"),
    "AccidentLifted": _("Hold after an accident lifted"),
    "OriginDecided": _("Origin decided"),
    "OriginDisputed": _("Origin disputed"),
}

LANES = {
    "location": _("Location"),
    "repairs": _("Repairs"),
    "measurements": _("Measurements"),
    "failures": _("Failures"),
    "runs": _("Runs"),
    "components": _("Components"),
}
LANE_OF_KIND = {
    "Manufactured": "location", "Registered": "location", "Commissioned": "location",
    "MarkingChanged": "location", "LocationReported": "location", "WrittenOff": "location",
    "Condemned": "location", "Held": "failures", "HoldLifted": "failures",
    "RecallOpened": "failures", "RecallClosed": "failures", "Installed": "components",
    "Removed": "components", "Ran": "runs", "MeterRead": "runs", "MeterReplaced": "runs",
    "ModeViolated": "failures", "Washed": "repairs", "Inspected": "measurements",
    "Measured": "measurements", "Tested": "measurements", "Diagnosed": "measurements",
    "EvidenceDiagnosed": "measurements", "TornDown": "measurements", "FailureAscribed": "failures",
    "SuspicionAnswered": "measurements",
    "FluidSampled": "measurements", "FluidChanged": "repairs", "Retyred": "repairs",
    "Reprofiled": "repairs", "EnteredRepair": "repairs", "LeftRepair": "repairs",
    "Repaired": "repairs", "DefectFound": "failures", "DefectClosed": "failures",
    "Failed": "failures",
    "Released": "runs", "ReleaseRefused": "runs",
    "PartStored": "location", "PartIssued": "location", "PartReserved": "location",
    "ReservationLifted": "location", "PartAccepted": "measurements", "PartSent": "location",
    "PartReturned": "location", "PartExchanged": "location", "PartLent": "location",
    "PartBorrowed": "location", "LoanEnded": "location", "Formed": "components",
    "Disbanded": "components", "Cannibalised": "components", "DebtClosed": "components",
    "LotIssued": "components", "LotReceived": "components", "LotCounted": "components",
    "SendingListOpened": "location", "SendingListClosed": "location", "TwinsJudged": "location",
    "MachineRegistered": "location", "MachineResult": "measurements",
    "StateChanged": "location", "HolderChanged": "location", "SectionsCoupled": "components",
    "SectionsUncoupled": "components", "Restricted": "failures", "RestrictionLifted": "failures",
    "Permitted": "location", "PermissionEnded": "location", "LastRepairStated": "repairs",
    "GuestSeen": "location",
    "Verified": "measurements", "Calibrated": "measurements", "InstrumentWithdrawn": "failures",
    "OrderOpened": "repairs", "OrderClosed": "repairs", "OrderBlocked": "repairs",
    "OrderUnblocked": "repairs", "StepDone": "repairs", "StepAccepted": "repairs",
    "StepReturned": "repairs", "FindingTriaged": "failures", "Placed": "location",
    "ProofLoaded": "measurements",
    "PlacePlanned": "location", "TrackLeft": "location", "PermitIssued": "repairs",
    "PermitClosed": "repairs",
    "ProgrammeChosen": "repairs", "PaperIssued": "measurements",
    "LifeExtended": "repairs", "RecorderRead": "runs",
    "CampaignOpened": "repairs", "CampaignJoined": "repairs", "CampaignDone": "measurements",
    "CampaignLeft": "repairs", "CampaignClosed": "repairs", "RemarkMade": "failures",
    "RemarkAccepted": "failures", "RemarkDone": "repairs", "RemarkCarriedOver": "failures",
    "WarrantyGiven": "repairs", "WarrantyUntilWork": "repairs",
    "ClaimOpened": "failures", "ClaimAnswered": "failures",
    "ClaimDisputed": "failures", "ClaimClosed": "failures", "SentForRepair": "repairs",
    "RepairProgressed": "repairs", "AcceptedFromRepair": "repairs",
    "ConsistComposed": "runs", "ConsistChanged": "runs", "ConsistSigned": "runs",
    "JointsChecked": "runs", "BrakeTested": "runs", "ConsistDeparted": "runs",
    "UnitDetached": "failures", "ConsistClosed": "runs", "Serviced": "repairs",
    "RunRecorded": "runs", "WaysideAlarmed": "failures", "AlarmChecked": "measurements",
    "OriginDecided": "failures", "OriginDisputed": "failures",
    "AccidentDeclared": "failures", "AccidentLifted": "failures",
}  # fmt: skip

CLASSES = {
    "locomotive": _("Locomotives"),
    "freight_wagon": _("Freight wagons"),
    "coach": _("Passenger coaches"),
    "special": _("Self-propelled special stock"),
    "coupling": _("Locomotives of sections"),
    "part": _("Parts"),
    "equipment": _("Equipment"),
}

WHEREABOUTS = {
    "home": _("at home"),
    "line": _("on the line"),
    "stock": _("in stock"),
    "contractor": _("at a contractor"),
    "abroad": _("abroad"),
}

STOCK = {
    "free": _("free"),
    "reserved": _("reserved"),
    "awaiting": _("awaiting acceptance"),
    "repair": _("in repair"),
    "refused": _("not accepted"),
    "held": _("on hold"),
    "issued": _("issued"),
    "sent": _("at the contractor"),
    "not_returned": _("not returned"),
    "lent": _("lent"),
    "installed": _("on a vehicle"),
    "disbanded": _("disbanded"),
    "condemned": _("condemned"),
    "written_off": _("written off"),
}

LOANS = {
    "lent": _("ours, lent"),
    "borrowed": _("not ours, to be returned"),
}

PURPOSES = {
    "repair": _("for repair"),
    "other": _("not for repair"),
}

TWIN_VERDICTS = {
    "same": _("they are one and the same"),
    "two": _("they are two different ones"),
    "wrong_number": _("one number is wrong"),
    "slip": _("an entry is wrong: somebody took the wrong unit"),
}

OUTCOMES = {
    "passed": _("passed"),
    "completed": _("completed"),
    "failed": _("failed"),
    "aborted": _("aborted"),
    "sound": _("sound"),
    "watch": _("watch"),
    "alarm": _("alarm"),
    "contradicts": _("contradicts"),
    "refused": _("cannot be judged"),
    "fit": _("fit"),
    "unfit": _("unfit"),
}

MACHINE_REMARKS = {
    "clock_ahead": _("its clock runs ahead by {value}: the moment of arrival stands"),
    "clock_behind": _("its clock is behind by {value}: the moment of arrival stands"),
    "certificate_expired": _("its certificate ended on {value}"),
    "unit_elsewhere": _("by the trace the unit stood elsewhere: {value}"),
    "operator_unknown": _("who worked is not known"),
}

DAMAGES = {
    "outer": _("outer race"),
    "inner": _("inner race"),
    "ball": _("rolling element"),
    "cage": _("cage"),
    "tooth": _("one tooth"),
    "sidebands": _("tooth contact"),
}

METHODS = {
    "prewhitened": _("prewhitened"),
    "kurtogram": _("most impulsive band"),
    "full_band": _("whole band"),
    "vibration": _("vibration"),
    "gear": _("gear wheel"),
    "press_fit": _("press curve"),
    "wheel_profile": _("scan of a wheel"),
    "wash": _("wash by its trace"),
    "ndt_set_up": _("set-up of the inspection"),
    "brake_trace": _("brake trace"),
    "fluid_sample": _("sample of a fluid"),
}

TRUTHS = {
    "damage": _("damage was found"),
    "no_damage": _("no damage was found"),
    "unknown": _("nobody has looked"),
}

MADE_BY = {
    "machine": _("machine"),
    "person": _("person"),
    "system": _("our method"),
}

DIAGNOSIS_REASONS = {
    "damage": _("impacts of damage stand over the threshold after prewhitening"),
    "one_method": _("no alarm: only one method is over its threshold"),
    "no_repeat": _("no alarm: there is no repeat measurement; record again"),
    "not_repeated": _("no alarm: the repeat does not show it"),
    "speed_unconfirmed": _("no alarm: the signal does not carry the stated speed"),
    "clipped": _("samples are clipped at the rails of the recorder"),
    "alike": _("two damages of this bearing show at nearly the same order: none is named"),
    "other_damage": _("the evidence is of other damage than declared"),
    "unexplained": _("impacts repeat at an order that the declared bearing cannot give: check its "
                     "type, and the other parts of this shaft"),
    "only_tones": _("the line vanishes when tones are removed: not impacts in this bearing"),
    "single_method": _("one method alone finds damage: no damage is named"),
    "silent": _("no method finds damage"),
    "stated_speed_wrong": _("the stated speed is wrong: the signal's own speed is used"),
    "stated_speed": _("the stated speed cannot be, or the signal contradicts it"),
    "speed_unknown": _("the shaft speed can be told neither from the signal nor from the stand"),
    "speed_ambiguous": _("the signal carries several speeds that are as likely"),
    "sampling_rate": _("the sampling rate is missing or too low for this bearing"),
    "not_a_signal": _("the file is no row of samples"),
    "not_a_number": _("the file holds values that are not numbers"),
    "too_short": _("too short"),
    "units": _("the values are given in another unit: check the scale"),
    "constant": _("the value never changes: the sensor was not connected"),
    "dropout": _("the signal drops out: check the cable and record again"),
    "duplicate": _("the repeat is a copy of the recording: a repeat is measured again"),
    "bearing_unknown": _("the catalogue has no geometry of the declared bearing: add a row"),
    "bearing_geometry": _("the geometry of the bearing cannot be: check the catalogue row"),
    "unreadable": _("the file is cut or damaged"),
    "file_kind": _("the file is of no kind that can be read"),
    "channel": _("the file has several channels and none is named"),
    "columns": _("the file lacks a column"),
    "below_band": _("the final force per 100 mm is below the band"),
    "above_band": _("the final force per 100 mm is above the band"),
    "start_jump": _("the force jumps at the start"),
    "not_convex": _("the curve sags: it is not convex upward"),
    "ripple": _("the curve ripples more than allowed"),
    "ram_speed": _("the ram ran faster than allowed"),
    "no_band": _("the catalogue has no band of force for this joint: add a limit row"),
    "truncated": _("the curve does not cover the seat: it is cut"),
    "too_coarse": _("the points of the curve lie too far apart"),
    "goes_back": _("the ram goes back: a curve of one pressing is wanted"),
    "seat_length": _("the length of the seat cannot be"),
    "not_a_curve": _("the file is no curve"),
    "no_trace": _("no trace came with the result"),
    "no_set_up": _("the set-up of the inspection was not told"),
    "no_limit": _("the catalogue has no limit for what was measured"),
    "no_profile_row": _("the catalogue does not say how these wheels are measured"),
    "told_differs": _("the gauge told something else than its scan shows"),
    "not_a_profile": _("the file is no scan of a wheel"),
    "no_flange": _("the scan shows no flange"),
    "gap": _("the scan has a gap"),
    "flank": _("the scan misses the flank of the flange"),
    "not_a_trace": _("the file is no trace"),
    "time": _("the time of the trace does not run forward"),
    "temperature": _("the temperature was not held"),
    "pressure": _("the pressure was not held"),
    "stages": _("other stages ran than the programme asks for"),
    "leak": _("the brake leaks"),
    "reduction": _("the reduction is not what was asked for"),
    "apply_time": _("the brake applied too slowly"),
    "release_time": _("the brake released too slowly"),
    "no_apply": _("the brake did not apply"),
    "no_release": _("the brake did not release"),
    "resistance": _("the resistance is too low"),
    "voltage": _("tested at too low a voltage"),
    "damp": _("the insulation is damp"),
    "no_ratio": _("without the reading after 15 s there is no absorption ratio"),
    "no_voltage": _("the test voltage was not told"),
    "power": _("the power is not what was asked for"),
    "rpm": _("the speed is not what was asked for"),
    "notch_missing": _("a notch was not run"),
    "power_falls": _("a higher notch gives no more power"),
    "cylinders": _("the cylinders are too far apart"),
    "drift": _("the reference echo moved"),
    "coverage": _("not the whole part was covered"),
    "metal_rises": _("a wear metal stands above the engine's own past"),
    "fluid_unfit": _("a reading is over its limit"),
    "fluid_doubtful": _("a reading may be over its limit"),
    "scan_unfit": _("the wheel is over a limit"),
    "scan_doubtful": _("the wheel may be over a limit"),
    "within_limits": _("all limits hold"),
    "fit": _("nothing speaks against it"),
}

TRIAGED = {"false": _("False"), "fixed": _("Fixed now"), "order": _("an order was made")}

SUSPICION_ANSWERS = {
    "honest": _("Honest work"),
    "mistaken": _("A mistake, to be corrected"),
    "invented": _("Nobody read it"),
}

SUSPICIONS = {
    "copied": _("copied series"),
    "favourite_digits": _("favourite digits"),
    "grown": _("larger than before"),
    "in_two_places": _("in two places at once"),
    "inspected_before_wash": _("looked at before the wash"),
}

SUSPICION_SENTENCES = {
    "copied": _("two series agree in {places} of {of} readings"),
    "favourite_digits": _("{worker}: the digit {digit} ends {share} of all readings"),
    "grown": _("grew by {growth} mm with no other tyre or wheel recorded between"),
    "in_two_places": _("{worker} worked at {sites} within {between_min} min"),
    "inspected_before_wash": _("looked at {earlier_min} min before it was washed"),
}

FLUIDS = {
    "oil": _("engine oil"),
    "coolant": _("coolant"),
    "fuel": _("fuel"),
}

FITTED = {
    "tyres": _("tyres"),
    "wheels": _("wheels"),
}

MARKS = {
    "clear": _("clear"),
    "unreadable": _("unreadable"),
    "duplicate": _("duplicate"),
    "restamped": _("re-stamped"),
}

SCHEMES = {
    "network8": _("8-digit network number"),
    "series": _("series and running number"),
    "evn": _("European vehicle number"),
    "serial": _("maker's serial number"),
    "other": _("other number"),
}

CHANNELS = {
    "rest": _("by the interface for programs"),
    "web": _("by a page"),
    "tablet": _("by a tablet, after the network came back"),
    "phone": _("by a phone, after the network came back"),
    "spreadsheet": _("by a spreadsheet"),
    "file": _("by a file"),
    "files": _("by a file"),
    "file-drop": _("by a watched folder"),
    "recorder": _("by an on-board recorder"),
    "simulation": _("by a simulation"),
    "system": _("by the program itself"),
}
"""Ways in; a terminal's is told by its key."""

GRADES = {
    "document": _("by document"),
    "stated": _("as stated"),
    "unknown": _("unknown, not overdue"),
    "recorded": _("seen by the trace"),
}

EFFECTS = {
    "limits": _("limits use"),
    "stops": _("stops use"),
}

COUNTS_AS = {
    "available": _("available"),
    "planned_unavailable": _("planned unavailable"),
    "unplanned_unavailable": _("unplanned unavailable"),
    "not_counted": _("not counted"),
}

WEIGHTS = {
    "mandatory": _("stops"),
    "warning": _("warns"),
    "information": _("tells"),
}
"""How much a gate weighs."""

TRAIN_STAGES = {
    "composed": _("being prepared"),
    "signed": _("signed, not released"),
    "ready": _("ready"),
    "may_depart": _("may depart"),
    "refused": _("refused"),
    "departed": _("on the way"),
    "arrived": _("arrived"),
    "cancelled": _("cancelled"),
}

ACTS = {"ready": _("release as ready"), "depart": _("release to depart")}
"""What a decision on a train was about."""

ALARM_RESULTS = {"confirmed": _("confirmed"), "not_confirmed": _("not confirmed")}

ACCIDENT_EVENTS = {
    "derailment": _("derailment"),
    "collision": _("collision"),
    "fire": _("fire"),
    "breakage": _("breakage"),
    "other": _("something else"),
}
"""What happened in an accident."""

ANSWERS = {"signed": _("signed"), "returned": _("sent back")}

BRAKE_TESTS = {"full": _("full"), "short": _("short")}
TESTS = {
    "insulation": _("insulation"), "brake": _("brakes on the rack"), "brakes": _("brakes"),
    "load_bank": _("load bank"), "axle_ut": _("axle, ultrasonic"),
    "axle_mt": _("axle, magnetic particles"), "journal_mt": _("journals, magnetic particles"),
    "casting_mt": _("castings, magnetic particles"), "ultrasonic": _("ultrasonic"),
    "magnetic": _("magnetic particles"), "vibration": _("vibration"),
    "bearing_stand": _("vibration stand"), "ut_set": _("ultrasonic"),
    "mt_set": _("magnetic particles"), "running_gear": _("running gear"),
    "wayside_post": _("wayside post"), "hot_box": _("hot box"), "press_fit": _("press fit"),
}
"""What is tested, and by what method, as machines and route cards name it."""

DETACHED_FOR = {
    "fault": _("for a fault"), "traffic": _("for traffic"), "other": _("for another reason"),
}  # fmt: skip

TRIP_OUTCOMES = {"arrived": _("arrived"), "cancelled": _("cancelled")}

BASES = {
    "observed": _("observed"),
    "document": _("from a document"),
    "assumed": _("assumed"),
}

ZONES = {
    "stated": _("zone stated by the sender"),
    "site": _("zone of the site"),
    "assumed": _("zone assumed"),
}

RESTORED = {
    "unknown": _("unknown"),
    "minimal": _("minimal"),
    "partial": _("partial"),
    "as_new": _("as new"),
}

ACTIONS = {
    "void": _("made void"),
    "replace": _("replaced"),
}

SCOPES = {
    "unit": _("one unit"),
    "consist": _("whole consist"),
}

MOMENTS = {
    "as_found": _("as found"),
    "as_left": _("as left"),
}

LIMIT_MOMENTS = {
    "in_service": _("in service"),
    "at_departure": _("at departure"),
    "after_repair": _("after repair"),
    "en_route": _("en route"),
}

GUARDS = {
    "mandatory": _("stops"),
    "warning": _("warns"),
}

TRUST = {
    "expired": _("proof has run out"),
    "failed": _("failed its last check"),
    "withdrawn": _("withdrawn"),
    "suspect": _("suspect"),
    "not_yet": _("not proved then"),
    "out_of_range": _("outside its range"),
    "unrecorded": _("no proof is recorded"),
    "soon": _("due soon"),
    "valid": _("valid"),
}
"""How far an instrument may be leaned on, the worst first."""

RULES = {
    "notch_up_too_fast": _("notched up too fast"),
    "loaded_cold": _("loaded while cold"),
    "stopped_hot": _("stopped while hot"),
}

STEP_STATES = {
    "done": _("done"),
    "to_accept": _("waits for the inspector"),
    "returned": _("sent back"),
    "void": _("does not count"),
    "ready": _("can be done"),
    "waiting": _("waits"),
}

COLUMNS = {
    "queued": _("Not begun"),
    "in_work": _("In work"),
    "to_accept": _("For the inspector"),
    "blocked": _("Blocked"),
    "closed": _("Closed within a day"),
}

CAUSES = {
    "parts": _("no parts"),
    "people": _("no people"),
    "equipment": _("no equipment"),
    "documents": _("no documents"),
    "place": _("no place"),
    "other": _("another reason"),
}

RESULTS = {"done": _("done"), "cancelled": _("cancelled")}

THREAD = {
    "defect": _("Defect found"),
    "opened": _("Work order opened"),
    "closed": _("Work order closed"),
}

FAULTS = {
    "before_its_turn": _("made before this was done: {step}"),
    "outcome": _("outcome: {outcome}"),
    "not_by_hand": _("only a machine does this step"),
    "reading_missing": _("{quantity} was not read"),
    "unfit": _("{quantity}: {value}, asked {limits}"),
    "doubtful": _("{quantity}: {value}, the limit {limits} lies within the uncertainty"),
    "other_unit": _("{quantity} is given in {unit}, asked in {wanted}"),
    "instrument": _("{device}: {why}"),
    "not_qualified": _("{person} had no right then: {qualification}"),
    "no_permit": _("no permit then: {permit_kind}"),
    "press_below": _("{value}, below the band {min}–{max}"),
    "press_above": _("{value}, above the band {min}–{max}"),
    "proof_short": _("proof loads are not enough: {times} of {load} for {seconds} s are asked"),
    "proof_shifted": _("the joint moved under the proof load"),
    "no_limit": _("no band of force is in the catalogue for {quantity}"),
    "bad_evidence": _("the curve cannot be judged: {reasons}"),
    "rule": _("{rule}: {reasons}"),
    "shape": _("curve: {reasons}"),
    "our_alarm": _("by our own methods: {outcome}, {finding}"),
}

SIGNED_WITH = {"passkey": _("passkey"), "server_key": _("server-held key")}

PROTOCOLS = {
    "opcua": "OPC UA", "mqtt": "MQTT", "modbus": "Modbus", "s7": "Siemens S7",
    "serial": _("serial line"), "folder": _("watched folder"),
}  # fmt: skip
"""How machines speak; what is a name stays one."""

EVALUATIONS = {"ok": _("good"), "not_ok": _("not good"), "undecided": _("no verdict")}

CAMPAIGN_ACTIONS = {"inspect": _("inspect"), "replace": _("replace")}
CAMPAIGN_EFFECTS = {
    "none": _("nothing"),
    "limits": _("warns"),
    "stops": _("stops the unit"),
}
MEMBER_STATES = {
    "overdue": _("overdue"),
    "due": _("still to be done"),
    "done": _("done"),
    "out": _("taken out"),
}
REMARK_STATES = {
    "made": _("not taken over"),
    "accepted": _("taken over"),
    "carried": _("carried over"),
    "done": _("done"),
}
REMARK_FINDINGS = {"mended": _("mended"), "in_order": _("found in order")}
CLAIM_STATES = {
    "sent": _("sent, not answered"),
    "asks": _("more is asked"),
    "accepted": _("accepted"),
    "rejected": _("rejected"),
    "disputed": _("disputed"),
    "closed": _("closed"),
}
CLAIM_ANSWERS = {
    "accepted": _("accepted"), "rejected": _("rejected"), "asks": _("more is asked"),
}  # fmt: skip
CLAIM_RESULTS = {
    "repaired": _("repaired at their cost"),
    "replaced": _("replaced at their cost"),
    "paid": _("paid"),
    "rejected": _("rejected"),
    "withdrawn": _("withdrawn"),
}
AWAY_STATES = {
    "away": _("away"),
    "refused": _("looked at, not taken over"),
    "accepted": _("taken over"),
}

METERS = {
    "km": _("kilometres"),
    "engine_hours": _("engine-hours"),
}

COMES_FROM = _("Where it comes from")
"""What the field `origin` of a decision on a failure is called: that of a log is another."""
FIELDS = {
    "loads": _("Proof loads"), "shifted": _("The joint moved"),
    "damage_class": _("Damage class"), "declared": _("Held against"), "element": _("Element"),
    "diagnoses": _("Diagnoses meant"), "failure": _("Failure"), "file": _("File judged"),
    "fitted": _("Fitted"), "fluid": _("Fluid"), "found": _("What was found"),
    "laboratory": _("Laboratory"), "litres": _("Litres"), "repeats": _("Repeats heard"),
    "sample": _("Sample number"), "version": _("Version of the method"),
    "whole": _("Changed as a whole"),
    "action": _("Action"), "basis": _("Basis"), "batch": _("Batch"), "carrier": _("Carrier"),
    "catalogue": _("Catalogue"), "code": _("Code"), "confirmed_by": _("Confirmed by"),
    "contradiction": _("Contradiction"), "counters": _("Counters"), "defect": _("Defect"),
    "delay_min": _("Delay [min]"), "device": _("Device"), "distance_km": _("Distance [km]"),
    "duration_s": _("Duration [s]"), "engine_hours": _("Engine-hours"), "epoch": _("Epoch"),
    "failure_class": _("Failure class"), "finding": _("Finding"), "findings": _("Findings"),
    "fitted_value": _("New meter shows"), "fuel_kg": _("Fuel [kg]"), "given": _("Given"),
    "gross_tonne_km": _("Gross tonne-km"), "heat": _("Heat"), "hold": _("Hold"),
    "home_site": _("Home depot"), "lost_from": _("Lost from"), "lost_to": _("Lost to"),
    "made": _("Made"), "maker": _("Maker"), "meter": _("Meter"), "method": _("Method"),
    "mode": _("Failure mode"), "new_key": _("New key"), "note": _("Note"),
    "numbers": _("Numbers"), "old_key": _("Old key"), "origin": _("Origin"),
    "outcome": _("Outcome"), "owner": _("Owner"), "performed_by": _("Performed by"),
    "place": _("Place"), "position": _("Position"),
    "previous_checkpoint": _("Previous checkpoint"), "programme": _("Programme"),
    "reason": _("Reason"), "recall": _("Recall"), "removed_value": _("Old meter showed"),
    "repair_kind": _("Repair kind"), "replacement": _("Replacement"),
    "resolution": _("Resolution"), "restored": _("Restored"), "route": _("Route"),
    "rule": _("Rule"), "safety": _("Safety"), "scope": _("Scope"), "site": _("Site"),
    "started_at": _("Started at"), "step": _("Step"), "signatures": _("Signatures"),
    "target": _("Corrected entry"), "test": _("Test"), "title": _("Title"),
    "train": _("Train"), "type": _("Type"), "units": _("Units"), "value": _("Value"),
    "valid_from": _("Valid from"), "verifier_key": _("Verifier key"),
    "whereabouts": _("Whereabouts"), "window_from": _("Window from"),
    "window_to": _("Window to"), "withdrawn": _("Withdrawn"), "work": _("Work"),
    "work_order": _("Work order"), "workplace": _("Workplace"),
    "act": _("Act of release"), "consist": _("Consist"), "decision": _("Decision"),
    "decision_file": _("File of the decision"), "leaned_on": _("Leaned on"),
    "number": _("Number of the document"), "positions": _("Entries taken, by log"),
    "reasons": _("Reasons"), "restrictions": _("Restrictions"),
    "supersedes": _("In place of decision"), "valid_until": _("Valid until"),
    "awaits_acceptance": _("Awaits acceptance"), "bin": _("Place in the store"),
    "debt": _("Debt"), "donor": _("Taken from"), "due": _("Due"),
    "instead_of": _("In the place of"), "item": _("Type"), "list": _("List"), "lot": _("Lot"),
    "measure": _("Measure"), "not_returned": _("Not returned"), "of": _("Borrowed of"),
    "owner_state": _("Owner state"), "paper": _("Return list"), "parts": _("Parts"),
    "purpose": _("Purpose"), "quantity": _("How much"), "recipient": _("Taken for"),
    "reservation": _("Reservation"), "store": _("Store"), "to": _("To"), "until": _("Until"),
    "verdict": _("Finding of the person"),
    "device_time": _("Time by the machine's clock"), "evaluation": _("Machine's verdict"),
    "evaluation_code": _("Code of the machine's verdict"),
    "evaluation_details": _("Details of the machine's verdict"), "facts": _("Operations"),
    "firmware": _("Firmware"), "gateway": _("Gateway"), "job": _("Job"),
    "limits": _("Limits in the machine"), "machine": _("Kind of machine"), "model": _("Model"),
    "part": _("Part"), "partial": _("Partial result"), "phases": _("Phases"),
    "protocol": _("Protocol"), "recipe": _("Recipe"), "recipe_revision": _("Recipe revision"),
    "remarks": _("Remarks"), "result_id": _("Number of the result"), "serial": _("Serial number"),
    "simulated": _("Simulated"), "state": _("State"),
    "area": _("Where it holds"), "done": _("Done"), "effect": _("Effect"),
    "expected_until": _("Expected until"), "from_home_site": _("Home depot before"),
    "from_keeper": _("Keeper before"), "from_owner": _("Owner before"),
    "from_state": _("State before"), "gate": _("Gate"), "grade": _("Evidence"),
    "keeper": _("Keeper"), "km": _("Mileage [km]"),
    "known_at": _("As known at"), "locomotive": _("Locomotive"),
    "max_speed_kmh": _("Highest speed [km/h]"), "order": _("Order"),
    "painted": _("Painted on it"),
    "permission": _("Permission"), "permitted": _("Permission"), "places": _("Places"),
    "repairer": _("Repairer"),
    "restricted": _("Restriction"), "restriction": _("Restriction"), "result": _("Result"),
    "rows": _("Rows"), "state_at": _("State at"),
    "answer": _("Answer"), "bias": _("Bias"), "bias_unit": _("Unit of the bias"),
    "cause": _("What is missing"), "certificate": _("Certificate"), "entry": _("Entry"),
    "entries": _("Entries"), "suspicion": _("Suspicion"),
    "public_key": _("Public key"), "relying_party": _("Host it is bound to"),
    "synced": _("May lie on several devices"),
    "permit": _("Permit"), "permit_kind": _("Kind of permit"), "person": _("Person"),
    "planned_from": _("Planned from"), "planned_to": _("Planned to"),
    "process": _("Process"), "qualification": _("Qualification"),
    "ranges": _("Ranges"), "register_entry": _("Entry of the register"),
    "shift": _("Shift"), "stamp": _("Stamp"),
    "taken_by": _("Taken by"), "track": _("Track"),
    "valid_to": _("Valid to"),
    "recorder": _("Recorder"), "first_at": _("From"), "last_at": _("To"), "rules": _("Rules"),
    "amount": _("Amount on board"), "brake_force_t": _("Brake force [tf]"),
    "capacity": _("Capacity"), "composition": _("Composition"), "departs_at": _("Departs at"),
    "electropneumatic": _("Electro-pneumatic brakes"), "faults": _("Faults"),
    "items": _("Looked at"), "left": _("Left the consist"), "mass_t": _("Mass [t]"),
    "replaces": _("In place of the composition"), "rescued": _("Rescued"),
    "stock_delay_min": _("Delay caused by rolling stock [min]"), "supply": _("Supply"),
    "train_kind": _("Kind of train"), "turned": _("End Б ahead"),
    "unit_of_measure": _("Unit of measure"),
    "service": _("Kind of service"), "document": _("Document"), "conditions": _("Conditions"),
    "campaign": _("Campaign"), "text": _("Text"), "topic": _("Topic"), "remark": _("Remark"),
    "accident": _("Accident"), "commission": _("Commission"), "derailed": _("Axles derailed"),
    "event": _("What happened"), "speed_kmh": _("Speed [km/h]"), "what": _("In words"),
    "wheelsets": _("Wheelsets"),
    "by": _("By whom"), "after": _("After which work"), "claim": _("Claim"),
    "works": _("Until the next"),
    "against": _("Against whom"), "warranty": _("Warranty"), "demand": _("Demand"),
    "cost": _("Cost"), "recovered": _("Recovered"), "currency": _("Currency"),
    "stay": _("Repair elsewhere"), "where": _("Where"), "contract": _("Contract"),
    "expected": _("Expected until"), "stage": _("How far it is"),
    "counter_from_km": _("Counter at the start [km]"),
    "counter_to_km": _("Counter at the end [km]"),
    "crew": _("Crew"), "energy_kwh": _("Energy [kWh]"), "delay_cause": _("Cause of the delay"),
    "alarm": _("Alarm"), "post": _("Wayside post"), "level": _("Level of the alarm"),
    "alarmed": _("Alarm"), "decided_by": _("Decided by"), "disputed_by": _("Disputed by"),
    "claims": _("Claimed origin"),
}  # fmt: skip

READINGS = _("Readings")

FORMS = {
    "1-96 of A-Z a-z 0-9 . _ : @ / -": _("1-96 of A-Z a-z 0-9 . _ : @ / -"),
    "64 hexadecimal digits in small letters": _("64 hexadecimal digits in small letters"),
    "a decimal number as text, such as 30.10": _("a decimal number as text, such as 30.10"),
    "YYYY, YYYY-MM or YYYY-MM-DD": _("YYYY, YYYY-MM or YYYY-MM-DD"),
    "str": _("text"), "int": _("a whole number"), "float": _("a number that is not text"),
    "bool": _("true or false"), "array": _("a list"), "object": _("an object"),
    "null": _("nothing"), "datetime": _("a moment"),
}  # fmt: skip
"""What was wanted or sent where the form of a field is wrong."""

CONTRADICTIONS = {
    "larger_than_before": _(
        "{quantity}, {place}: {now} {unit} after {before} {unit}: a wheel grows only with another "
        "tyre or wheel, and none is recorded"
    ),
    "type_differs": _("Described twice with different types: {first}, then {now}"),
    "number_not_borne": _("Number {number} was withdrawn but is not on the unit"),
    "left_repair_not_entered": _("Left repair {repair_kind} without having entered it"),
    "other_repair_left": _("Entered repair {entered} but left {left}"),
    "hold_not_set": _("Hold {hold} was lifted but is not set"),
    "scrapped_twice": _("Scrapped twice: first {first}"),
    "after_scrapping": _("{kind} after the unit was scrapped"),
    "entered_repair_twice": _("Entered repair again without leaving {first}"),
    "installed_twice": _("Installed on {other} while still on {carrier} at {position}"),
    "position_taken": _("Position {position} of the carrier is taken by {part}: {other} came too"),
    "removed_where_it_is_not": _("Removed from {carrier}, where it is not"),
    "condemned_while_installed": _("Condemned while still on {carrier}"),
    "defect_not_open": _("Defect {defect} was closed but is not open"),
    "counter_goes_back": _("The meter shows {shown}, less than the {counted} counted so far"),
    "recall_opened_twice": _("Recall {recall} was opened twice"),
    "left_other_track": _("Left track {track}, where it does not stand"),
    "order_opened_twice": _("Order {order} was opened again while it was open"),
    "order_not_open": _("Order {order} was closed but is not open"),
    "own_work_accepted": _("Step {step}: the inspector signed own work ({work})"),
    "step_outside_order": _("Step {step} was entered while the order was not open"),
    "qualification_not_held": _("Qualification {qualification} was withdrawn but is not held"),
    "recall_not_open": _("Recall {recall} was closed but is not open"),
    "installed_not_accepted": _(
        "Installed on {carrier} though in repair since {since} and not accepted"
    ),
    "installed_while_lent": _("Installed on {carrier} though lent to {to}"),
    "used_after_disbanding": _("Installed on {carrier} though it was disbanded"),
    "used_though_reserved": _("Used for another purpose though reserved for {order} {carrier}"),
    "reserved_twice": _("Reserved again though reserved for {order} {carrier}"),
    "reservation_not_set": _("Reservation {reservation} was lifted but is not set"),
    "issued_not_in_store": _("Issued from a store in which it is not"),
    "stored_while_sent": _("Put into a store though it left for {to} on list {list}"),
    "sent_twice": _("On two lists: sent on {list} without having come back from {first}"),
    "sent_while_installed": _("Sent on list {list} while still on {carrier}"),
    "returned_not_sent": _("Came back on list {list}, on which it was never sent"),
    "exchanged_not_away": _(
        "On list {list} {other} came in the place of a part that was not away on it"
    ),
    "list_opened_twice": _("List {list} was begun twice"),
    "twice_on_a_list": _("{part} is twice on list {list}"),
    "list_is_closed": _("Something was written on list {list} after it was closed"),
    "list_does_not_balance": _(
        "List {list} was closed with {sent} sent, {returned} returned and {missing} missing"
    ),
    "lent_twice": _("Lent or borrowed again while the loan with {to} is open"),
    "loan_not_open": _("A loan was ended that is not open"),
    "given_back_while_installed": _("Given back while still on {carrier}"),
    "debt_not_open": _("Debt {debt} was closed but is not open"),
    "disbanded_with_parts": _("Disbanded though {part} is still on it"),
    "lot_counted_short": _(
        "{counted} were counted of lot {lot}, of which {there} should be there"
    ),
    "lot_below_zero": _("{issued} were issued of lot {lot}, of which {there} were there"),
    "lot_other_measure": _("Lot {lot} is counted in {first}, then in {now}"),
    "two_states_at_once": _("Two states from one moment: {first} and {second}"),
    "state_was_other": _("Said to leave the state {said}, but it was in the state {state}"),
    "in_use_while_in_repair": _("Said to be in use while in repair {repair_kind}"),
    "two_holders_at_once": _("Two holders from one moment: {first} and {second}"),
    "holder_was_other": _("Taken over from {said}, but held by {held}"),
    "restriction_not_set": _("Restriction {restriction} was lifted but is not set"),
    "section_in_two_locomotives": _("Section coupled in {other} while still in {carrier}"),
    "section_place_taken": _(
        "Place {place} of the locomotive is taken by {part}: {other} came too"
    ),
    "repair_of_a_locomotive": _(
        "Repair {repair_kind} is recorded on the locomotive: record it on the sections repaired"
    ),
    "uncoupled_where_it_is_not": _("Uncoupled from {carrier}, where it is not"),
    "last_repair_stated_otherwise": _("Two papers on the last {repair_kind}: {first}, then {now}"),
    "campaign_opened_twice": _("Campaign {campaign} was opened twice"),
    "campaign_not_open": _("Campaign {campaign} was closed but is not open"),
    "remark_not_open": _("Something was said of remark {remark}, which is not open"),
    "claim_opened_twice": _("Claim {claim} was sent twice"),
    "claim_not_open": _("Something was said of claim {claim}, which is not open"),
    "sent_for_repair_twice": _("Sent for repair to {to} while away for another repair"),
    "not_away_for_repair": _("Something was said of repair {stay}, for which it is not away"),
    "consist_composed_twice": _("Consist {consist} was composed twice"),
    "consist_changed_from_other": _(
        "Consist {consist} was changed from a composition that did not stand"
    ),
    "consist_is_closed": _("Consist {consist} was written of after its trip was closed"),
    "consist_was_other": _("Consist {consist}: signed or tested in another composition"),
    "consist_own_work": _("{act}: {person} had signed another act of the same composition"),
    "permission_not_given": _("Permission {permission} was ended but is not given"),
    "two_runs_at_once": _("Two runs at once: it began before run {run} had ended"),
    "negative_km": _("A run of {shown} km: kilometres below zero count for nothing"),
    "run_counter_goes_back": _(
        "The counter of a run record shows {shown} km after {counted} km: it goes back"
    ),
    "origin_of_nothing": _(
        "An origin was decided of {failure}, which is no failure or defect here"
    ),
    "checked_without_alarm": _("Alarm {alarm} was checked but is not recorded"),
    "work_under_accident_hold": _("Work on it while it is held for accident {accident}"),
    "accident_declared_twice": _("Accident {accident} is declared twice"),
    "accident_not_held": _("Nothing is held for accident {accident} any more"),
    "alarm_checked_otherwise": _("The alarm was checked twice with other results: first {other}"),
}


def machine_remark(remark: str) -> str:
    """Return what a gateway noted of a machine's result in words; a machine's own words stay."""
    code, _space, value = remark.partition(" ")
    said = MACHINE_REMARKS.get(code)
    return gettext(said).format(value=value) if said else remark


def word(table: dict[str, str], key: str) -> str:
    """Return the English word of a key; a key no table knows is shown as it is."""
    return table.get(key, key)
