"""Where the project's addresses lead: everything to the app and the admin."""

from django.contrib import admin
from django.urls import include, path

# Before `admin.site.urls`, which lists what is registered by then.
admin.autodiscover()

urlpatterns = [
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("", include("conversations.urls")),
]
