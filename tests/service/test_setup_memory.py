from sam_backend.label_studio.hosts import LabelStudioHost
from sam_backend.service.setup_memory import SetupMemory


def test_each_project_has_its_own_host_and_the_newest_counts() -> None:
    memory = SetupMemory()
    memory.remember("1.5", "http://a/", "one")
    memory.remember("2.5", "http://b", "")
    memory.remember("1.5", "http://c", "three")
    assert memory.host_of("1.5") == LabelStudioHost("http://c", "three")
    assert memory.host_of("2.5") == LabelStudioHost("http://b", None)
    assert memory.host_of("3.5") is None
    assert memory.host_of(None) is None


def test_oldest_is_forgotten_when_there_are_too_many() -> None:
    memory = SetupMemory()
    for project in range(1001):
        memory.remember(str(project), "http://a", "t")
    assert memory.host_of("0") is None
    assert memory.host_of("1") is not None
