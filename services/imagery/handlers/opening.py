"""From a reference to a picture: where the tenant's settings allow it to lie, fetched, rebuilt and marked."""

from collections.abc import Callable, Mapping

from proofwatch.governance.tenant import Tenant
from services.imagery.core.facts import Flagged
from services.imagery.core.lease import View
from services.imagery.core.location import Location, LocationRefused, locate
from services.imagery.core.marks import Watermark
from services.imagery.core.pictures import Limits, PictureRefused
from services.imagery.ports import ImageryStore, Picture, Renderer, StoreError, Undelivered


class OpenPicture:
    """See `ports.Opening`."""

    def __init__(
        self,
        tenants: Callable[[str], Tenant | None],
        stores: Mapping[str, ImageryStore],
        renderer: Renderer,
        limits: Limits,
    ) -> None:
        """`tenants` gives the settings that are in force now; `stores` has those that they may name."""
        self._tenants, self._stores, self._renderer, self._limits = tenants, stores, renderer, limits

    def located(self, flagged: Flagged) -> bool:
        """Return whether the reference lies where the tenant's settings allow."""
        try:
            self._place(flagged)
        except LocationRefused:
            return False
        return True

    async def picture(self, flagged: Flagged, view: View, case_id: str) -> Picture:
        """Fetch, rebuild, mark. Raises `Undelivered`."""
        try:
            place = self._place(flagged)
            data = await self._stores[place.store].fetch(place, self._limits.most_bytes)
            mark = Watermark(view.person_id, case_id, view.intended_at)
            found = await self._renderer.render(
                data, mark, blurred=not view.sharp, digest=flagged.imagery_sha256, media_type=flagged.imagery_media_type
            )
        except ValueError:  # of the mark: what cannot say who looked is not shown
            raise Undelivered("watermark_failed", "the mark of who looks cannot be written") from None
        except StoreError as error:
            raise Undelivered(type(error).__name__, str(error)) from None
        except (LocationRefused, PictureRefused) as error:
            raise Undelivered(error.code, str(error)) from None
        return Picture(found.data, found.media_type)

    def _place(self, flagged: Flagged) -> Location:
        tenant = self._tenants(flagged.tenant)
        if tenant is None:
            raise LocationRefused("no_store", f"there are no settings of {flagged.tenant} in force")
        place = locate(flagged.imagery_ref, tenant)
        if place.store not in self._stores:
            raise LocationRefused(
                "no_store", f"the settings of {tenant.tenant} name the store {place.store}, unknown here"
            )
        return place
