"""What the program is asked to do: command line over environment over settings file over default."""

from fer_edge.settings.camera import CameraSettings
from fer_edge.settings.load import check_value, known_log_format, load_settings, settings_file
from fer_edge.settings.settings import Settings

__all__ = ["CameraSettings", "Settings", "check_value", "known_log_format", "load_settings", "settings_file"]
