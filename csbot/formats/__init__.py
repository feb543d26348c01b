"""How dates are written (`FORMAT_MODULE_PATH`) where Django's way differs from what the desk's JavaScript shows."""
