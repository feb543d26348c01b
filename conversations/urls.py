"""The app's addresses."""

urlpatterns: list[object] = []
