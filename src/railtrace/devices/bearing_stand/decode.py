"""A stand's result and its waveform, which must be sound of the length it says."""

import io
import wave

from msgspec.structs import replace

from railtrace.devices.decode import attached, result_of
from railtrace.devices.frames import records
from railtrace.devices.manifest import Manifest, Place
from railtrace.devices.message import File, Message, Result
from railtrace.errors import BadFrame

WAVEFORM = Place(at="waveform")


def decode(manifest: Manifest, message: Message) -> tuple[Result, ...]:
    """Return one result with its waveform."""
    (record,) = records(manifest.frame, message.content)
    result = result_of(manifest, record, message)
    file = attached(message, str(record.get(WAVEFORM)))
    _require_whole(file)
    return (replace(result, files=(replace(file, media_type="audio/wav"),)),)


def _require_whole(file: File) -> None:
    try:
        with wave.open(io.BytesIO(file.content)) as sound:
            wanted = sound.getnframes()
            size = sound.getnchannels() * sound.getsampwidth()
            found = len(sound.readframes(wanted)) // size
    except (wave.Error, EOFError) as error:
        raise BadFrame("the waveform {name} cannot be read: {problem}", name=file.name,
                       problem=error) from error  # fmt: skip
    if found < wanted:
        raise BadFrame("the waveform {name} ends after {found} of {wanted} samples",
                       name=file.name, found=found, wanted=wanted)  # fmt: skip
